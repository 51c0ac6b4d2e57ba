package ui

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// patience is how long a browser may take for anything: it only ends tests that hang.
const patience = 90 * time.Second

// tab is a page in a headless Chromium.
type tab struct {
	t   testing.TB
	ctx context.Context

	mu   sync.Mutex
	said []string // what the console has that is wrong
}

// browser starts the one browser of all tests; each gets a tab. end ends it.
var browser = sync.OnceValues(func() (ctx context.Context, err error) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		path, missing := exec.LookPath(name)
		if missing != nil {
			continue
		}
		options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.WSURLReadTimeout(patience))
		allocator, _ := chromedp.NewExecAllocator(context.Background(), options...)
		ctx, end = chromedp.NewContext(allocator)
		if err := chromedp.Do(ctx); err != nil {
			return nil, fmt.Errorf("Chromium doesn't start here: %w", err)
		}
		return ctx, nil
	}
	return nil, errors.New("no Chromium on this machine: the page isn't looked at in a browser")
})

var end = func() {}

// newTab opens a tab, or skips the test where there is no browser.
func newTab(t testing.TB) *tab {
	t.Helper()
	if testing.Short() {
		t.Skip("starts a browser")
	}
	parent, err := browser()
	if err != nil {
		t.Skip(err)
	}
	ctx, cancel := chromedp.NewContext(parent)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, patience)
	t.Cleanup(cancel)
	b := &tab{t: t, ctx: ctx}
	b.did(chromedp.Do(ctx))
	b.did(chromedp.Listen(ctx, b.listen))
	call(b, cdplog.Enable, cdp.Empty{})
	call(b, runtime.Enable, cdp.Empty{})
	return b
}

func (b *tab) listen(e any) {
	said := ""
	switch e := e.(type) {
	case *runtime.EventExceptionThrown:
		said = e.ExceptionDetails.Text
		if x := e.ExceptionDetails.Exception; x != nil {
			said += ": " + x.Description
		}
	case *runtime.EventConsoleAPICalled:
		said = fmt.Sprintf("console.%s: %d arguments", e.Type, len(e.Args))
	case *cdplog.EventEntryAdded:
		said = fmt.Sprintf("%s: %s %s", e.Entry.Level, e.Entry.Text, e.Entry.URL)
	}
	if said != "" {
		b.mu.Lock()
		b.said = append(b.said, said)
		b.mu.Unlock()
	}
}

// did ends the test where something could not be done.
func (b *tab) did(err error) {
	b.t.Helper()
	if err != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.t.Fatalf("%v; the console says %q", err, b.said)
	}
}

// call sends a command of the DevTools protocol.
func call[P, R any](b *tab, command cdp.Command[P, R], params P) {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, command, params)
	b.did(err)
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	b.did(chromedp.Do(b.ctx, steps...))
}

// open opens an address with its token, and waits for the page that it leads to.
func (b *tab) open(address string) {
	b.t.Helper()
	b.do(chromedp.Navigate(address), chromedp.WaitVisible("main h1"))
}

// press presses keys one after the other, as a person would: what a key types can be prevented by what it does.
func (b *tab) press(keys ...string) {
	b.t.Helper()
	for _, k := range keys {
		text := k
		switch k {
		case "Enter":
			text = "\r"
		case "Escape":
			text = ""
		}
		call(b, input.DispatchKeyEvent, input.DispatchKeyEventParams{Type: input.DispatchKeyEventTypeKeyDown, Key: k, Text: text})
		call(b, input.DispatchKeyEvent, input.DispatchKeyEventParams{Type: input.DispatchKeyEventTypeKeyUp, Key: k})
	}
}

// until waits until an expression is true, on whatever page the tab is by then.
func (b *tab) until(expression string) {
	b.t.Helper()
	for end := time.Now().Add(patience / 3); ; {
		yes, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool]("!!("+expression+")"))
		if err == nil && yes {
			return
		}
		if time.Now().After(end) || b.ctx.Err() != nil { // an error is that of a page that just goes or comes
			b.did(fmt.Errorf("it isn't so that %s: %w", expression, cmp.Or(err, context.DeadlineExceeded)))
		}
		select {
		case <-b.ctx.Done():
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// value is what an expression gives.
func value[T any](b *tab, expression string) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression))
	b.did(err)
	return v
}

// quiet fails the test if the console has said anything.
func (b *tab) quiet() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.said) > 0 {
		b.t.Errorf("the console says:\n%s", strings.Join(b.said, "\n"))
	}
}

// shoot keeps a picture in the folder REIN_SHOTS, if it is set.
func (b *tab) shoot(name string) {
	b.t.Helper()
	dir := os.Getenv("REIN_SHOTS")
	if dir == "" {
		return
	}
	picture, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	b.did(err)
	if err := os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// look opens a page at several widths, in light and dark, and checks what a person with a screen reader, a keyboard or weak eyes
// needs of it.
func (b *tab) look(name, address, ready string) {
	b.t.Helper()
	b.open(address)
	if ready != "" {
		b.until(ready)
	}
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range []int64{400, 1200, 1920} {
			call(b, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: 1300, DeviceScaleFactor: 1})
			call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme},
				{Name: "prefers-reduced-motion", Value: "reduce"}}})
			at := fmt.Sprintf("%s-%d-%s", name, width, scheme)
			for _, problem := range value[[]string](b, probe) {
				b.t.Errorf("%s: %s", at, problem)
			}
			b.shoot(at)
		}
	}
}

// probe lists what is wrong with the page that is shown.
const probe = `(() => {
  const out = [], seen = x => { const r = x.getBoundingClientRect(); return r.width > 0 && r.height > 0 && getComputedStyle(x).visibility !== 'hidden'; };
  const all = q => [...document.querySelectorAll(q)].filter(seen), say = (what, x) => out.push(what + ': ' + x.outerHTML.slice(0, 120));
  if (document.documentElement.scrollWidth > innerWidth) {
    const wide = [...document.querySelectorAll('main *, .bar *')].filter(x => x.getBoundingClientRect().right > innerWidth + 1 && !x.parentElement.closest('.scroll, figure, .log, ul'));
    out.push('it scrolls sideways, ' + document.documentElement.scrollWidth + ' px' + (wide[0] ? ', for ' + wide[0].outerHTML.slice(0, 150) : ''));
  }
  if (document.documentElement.lang !== 'en' || !document.title) out.push('no language or no title');
  if (document.querySelectorAll('h1').length !== 1) out.push(document.querySelectorAll('h1').length + ' main headings');
  let last = 0;
  for (const h of all('h1,h2,h3,h4')) { const l = +h.tagName[1]; if (l > last + 1) say('a heading skips a level', h); last = l; }
  const ids = [...document.querySelectorAll('[id]')].map(x => x.id);
  if (ids.length !== new Set(ids).size) out.push('an id is there twice: ' + ids.filter((x, i) => ids.indexOf(x) !== i)[0]);
  const name = x => (x.getAttribute('aria-label') || (x.getAttribute('aria-labelledby') || '').split(' ').map(i => document.getElementById(i)?.textContent || '').join('') || [...(x.labels || [])].map(l => l.textContent).join('') || x.textContent || x.title || '').trim();
  for (const x of all('button, a[href], summary')) if (!name(x)) say('no name', x);
  for (const x of all('input, select, textarea')) if (!x.getAttribute('aria-label') && !(x.labels && x.labels.length)) say('no label', x);
  for (const x of all('progress, svg[role=img], [role=region], [role=log], nav')) if (!x.getAttribute('aria-label') && !document.getElementById(x.getAttribute('aria-labelledby'))) say('no label', x);
  for (const x of all('th')) if (!x.scope) say('a head without a scope', x);
  for (const x of all('.scroll, .log')) if (x.tabIndex < 0) say('no keyboard reaches it', x);
  for (const x of document.querySelectorAll('a[href^="#"]')) if (!document.getElementById(x.getAttribute('href').slice(1))) say('leads nowhere', x);
  const rgb = c => { const m = c.match(/[\d.]+/g).map((v, i) => c.startsWith('color(') && i < 3 ? 255 * v : +v); return m.length < 4 ? [...m, 1] : m; };
  const over = (a, b) => [0, 1, 2].map(i => a[i] * a[3] + b[i] * (1 - a[3]));
  const light = c => { const [r, g, b] = c.map(v => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const ground = x => { const layers = []; for (let e = x; e; e = e.parentElement) layers.push(rgb(getComputedStyle(e).backgroundColor)); return layers.reverse().reduce((under, c) => over(c, under), [255, 255, 255]); };
  const told = new Set();
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const x = walk.currentNode.parentElement;
    if (!walk.currentNode.textContent.trim() || !seen(x) || x.closest('script, option, [hidden], [aria-hidden=true], .skip')) continue;
    const style = getComputedStyle(x), svg = x.closest('svg'), color = rgb(svg ? style.fill : style.color);
    let opacity = 1; for (let e = x; e; e = e.parentElement) opacity *= +getComputedStyle(e).opacity;
    const under = ground(x), text = over([color[0], color[1], color[2], color[3] * opacity], under);
    const [a, b] = [light(text), light(under)].sort((p, q) => q - p), ratio = (a + 0.05) / (b + 0.05), size = parseFloat(style.fontSize);
    const need = size >= 24 || size >= 18.66 && +style.fontWeight >= 700 ? 3 : 4.5, key = x.className + style.color + under;
    if (ratio < need - 0.01 && !told.has(key)) { told.add(key); say('contrast ' + ratio.toFixed(2), x); }
  }
  return out;
})()`
