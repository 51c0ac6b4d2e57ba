package ui

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"rein/cache"
	"rein/cmd/rein/internal/runlog"
	"rein/engine"
	"rein/engine/record"
	"rein/pipelines/compare"
	"rein/pipelines/compare/comparetest"
)

func TestMain(m *testing.M) {
	comparetest.Main(m)
	end()
}

const testToken = "T0KEN"

// fixture is a server over a state folder with recorded runs.
type fixture struct {
	t     testing.TB
	store *cache.Store
	shelf *comparetest.Shelf
	*Server
	http *httptest.Server
}

func newFixture(t testing.TB) *fixture {
	t.Helper()
	store, err := cache.Open(filepath.Join(t.TempDir(), ".rein"), cache.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	f := &fixture{t: t, store: store, shelf: comparetest.NewShelf(t)}
	f.Server = New(f.config())
	f.http = httptest.NewServer(f.Handler())
	t.Cleanup(func() { f.http.CloseClientConnections(); f.http.Close() })
	return f
}

func (f *fixture) config() Config {
	return Config{Store: f.store, Log: log.New(io.Discard, "", 0), Token: testToken, Key: []byte("key"), Blobs: f.shelf,
		Compare: func(ctx context.Context, of []record.Pipeline) (*compare.Result, error) {
			return compare.Compute(ctx, compare.Input{Pipelines: of, Blobs: f.shelf})
		}}
}

// address is what a person opens.
func (f *fixture) address(path string) string {
	u, err := url.Parse(f.http.URL + path)
	if err != nil {
		f.t.Fatal(err)
	}
	q := u.Query()
	q.Set("token", testToken)
	u.RawQuery = q.Encode()
	return u.String()
}

// runID is that of the n-th run.
func runID(n int) string { return fmt.Sprintf("20261101T%02d%02d00000-%06x", n/60, n%60, n) }

// record writes the n-th run of some pipelines.
func (f *fixture) record(n int, pipelines ...record.Pipeline) string {
	f.t.Helper()
	at := time.Date(2026, 11, 1, 0, n, 0, 0, time.UTC)
	r := &record.Run{Format: 1, ID: runID(n), Started: at, Ended: at.Add(42 * time.Second), Verdict: "pass", Git: record.Git{Revision: fmt.Sprintf("%x%032x", 0xabc00000+n<<8, n)}, Pipelines: pipelines}
	b, err := json.Marshal(r)
	if err != nil {
		f.t.Fatal(err)
	}
	if err := f.store.WriteRun(r.ID, b); err != nil {
		f.t.Fatal(err)
	}
	runlog.Remember(f.store, r)
	return r.ID
}

// measured is a small pipeline with one figure.
func measured(name string, fpRate float64) record.Pipeline {
	meta, _ := json.Marshal(record.Meta{Result: "test"})
	return record.Pipeline{Name: name, Title: name, File: "pipelines/" + name + ".hcl", Meta: meta, Steps: []record.Step{
		{Name: "corpus", Type: "synthesize", Status: "cached"},
		{Name: "model", Type: "train-gpu", Status: "ran", Needs: []string{"corpus"}, RunMS: 3210, Result: cache.Result{RunMS: 3210, Notes: []string{"a <b>note</b>"}, Series: map[string][][2]float64{"train_loss": {{1, 0.5}, {2, 0.3}, {3, 0.21}}}}},
		{Name: "test", Type: "evaluate", Status: "ran", Needs: []string{"model"}, RunMS: 120, Result: cache.Result{RunMS: 120, Metrics: map[string]float64{"fp_rate": fpRate, "fp_rate_low": fpRate * 0.9, "fp_rate_high": fpRate * 1.1}}},
	}}
}

// going is a run that goes on in this process.
type going struct {
	*runlog.Writer
	id string
}

// start begins a run of one pipeline.
func (f *fixture) start(n int, p record.Pipeline) *going {
	f.t.Helper()
	for i := range p.Steps {
		p.Steps[i] = record.Step{Name: p.Steps[i].Name, Type: p.Steps[i].Type, Needs: p.Steps[i].Needs}
	}
	g := &going{runlog.NewWriter(f.store), runID(n)}
	g.Begin(&record.Run{Format: 1, ID: g.id, Started: time.Now().UTC(), Pipelines: []record.Pipeline{p}})
	g.Event(engine.Event{Time: time.Now(), Action: engine.ActionPlan, Total: int64(len(p.Steps))})
	f.t.Cleanup(g.Close)
	return g
}

func (g *going) tell(step string, e engine.Event) {
	e.Time, e.Pipeline, e.Step = time.Now(), "hybrid", step
	g.Event(e)
}
