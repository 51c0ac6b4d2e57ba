package ui

import (
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"rein/engine"
)

// A tab follows a run from before its steps begin to behind its end, and through a restart of the server; a second tab sees the same.
func TestFollowInABrowser(t *testing.T) {
	b := newTab(t)
	f := newFixture(t)
	f.record(1, measured("hybrid", 0.02))
	b.open(f.address("/"))
	b.until("document.querySelectorAll('#runs-table tbody tr').length === 1")
	g := f.start(90, measured("hybrid", 0))
	b.until("document.querySelector('.live a')") // the list has seen it
	b.do(chromedp.Click(".live a"), chromedp.WaitVisible("#progress"))
	status := func(step, want string) {
		t.Helper()
		b.until("document.querySelector('tr[data-step=\"hybrid/" + step + "\"] .status').textContent === '" + want + "'")
	}
	status("corpus", "waits")
	g.tell("corpus", engine.Event{Action: engine.ActionStart})
	status("corpus", "running")
	b.until("document.querySelector('svg [data-step=\"hybrid/corpus\"]').getAttribute('class') === 'is-running'")
	at := time.Now()
	for i, done := range []int64{0, 30_000, 60_000} {
		g.Event(engine.Event{Time: at.Add(time.Duration(i) * 2 * time.Second), Action: engine.ActionProgress, Pipeline: "hybrid", Step: "corpus", Done: done, Total: 100_000, Unit: "rows"})
	}
	b.until("document.querySelector('#running small').textContent.includes('60,000 of 100,000 rows, 15,000 rows/s, 2.7 s left')")
	g.tell("corpus", engine.Event{Action: engine.ActionEnd, Status: engine.StatusRan, ElapsedMS: 1234})
	status("corpus", "ran")

	second := newTab(t)
	second.open(f.address("/runs/" + g.id))
	second.until("document.querySelector('tr[data-step=\"hybrid/corpus\"] .status').textContent === 'ran'")

	// The server goes away, and comes back at the same address with another token.
	l := f.http.Listener.Addr().String()
	f.http.CloseClientConnections()
	f.http.Close()
	b.until("!document.querySelector('#connection').hidden")
	g.tell("model", engine.Event{Action: engine.ActionStart})
	g.tell("model", engine.Event{Action: engine.ActionLog, Text: "said while nobody listened"})
	again, err := net.Listen("tcp", l)
	if err != nil {
		t.Fatal(err)
	}
	c := f.config()
	c.Token = "another"
	f.Server = New(c)
	f.http = startOn(again, f)
	b.until("document.querySelector('#connection').hidden")
	status("model", "running")
	b.until("document.querySelector('#log').textContent.includes('said while nobody listened')")
	g.tell("model", engine.Event{Action: engine.ActionSeries, Metric: "train_loss", At: 1, Value: 0.5})
	g.tell("model", engine.Event{Action: engine.ActionSeries, Metric: "train_loss", At: 2, Value: 0.25})
	b.until("document.querySelector('#curves path.line')")
	g.tell("model", engine.Event{Action: engine.ActionEnd, Status: engine.StatusFailed, Text: "it <b>broke</b>"})
	f.record(90, measured("hybrid", 0.02))
	g.Close()
	for _, tab := range []*tab{b, second} {
		tab.until("document.querySelector('#outcome').textContent === 'pass'") // as the record has it
	}
	b.until("document.querySelector('#log').textContent.includes('it <b>broke</b>')")
	if n := value[int](b, "[...document.querySelectorAll('#log div')].filter(x => x.textContent.includes('nobody listened')).length"); n != 1 {
		t.Errorf("a log line is there %d times", n)
	}
}

// A run that begins after the list was drawn, and before the page listens for changes, is on the list, too.
func TestTheListMissesNoRun(t *testing.T) {
	b := newTab(t)
	f := newFixture(t)
	pages := f.http.Config.Handler
	begin := sync.OnceFunc(func() { f.start(90, measured("hybrid", 0)) })
	f.http.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/runs/changes" {
			begin()
		}
		pages.ServeHTTP(w, r)
	})
	b.open(f.address("/"))
	b.until("document.querySelector('.live a')")
}

// startOn serves a fixture on a listener.
func startOn(l net.Listener, f *fixture) *httptest.Server {
	s := httptest.NewUnstartedServer(f.Handler())
	s.Listener.Close()
	s.Listener = l
	s.Start()
	return s
}

// Every page is reached, and helped with, by keys alone.
func TestKeysInABrowser(t *testing.T) {
	b := newTab(t)
	f := newFixture(t)
	withFiles(f, 2)
	for n := range 120 {
		f.record(n, measured("hybrid", 0.01))
	}
	b.open(f.address("/"))
	for _, p := range menu {
		b.press("g", p.Key)
		b.until("location.pathname === '" + p.Path + "' && document.readyState === 'complete'")
		if p.Path == "/plan" {
			b.until("document.activeElement === document.body")
		}
	}
	b.press("g", "r")
	b.until("location.pathname === '/' && document.readyState === 'complete'")
	b.press("]")
	b.until("location.search.includes('page=1') && document.readyState === 'complete'")
	b.press("j", "j", "k", "j")
	b.until("document.activeElement.closest('tr')?.rowIndex === 2")
	b.press("Enter")
	b.until("location.pathname.startsWith('/runs/') && document.readyState === 'complete'")
	b.press("?")
	b.until("document.querySelector('#keys').open")
	b.quiet()
}
