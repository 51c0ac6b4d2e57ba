package ui

import (
	"context"
	"errors"
	"log"
	"net"
	"net/http"
	"time"

	"rein/cache"
	"rein/engine/record"
	"rein/pipelines/compare"
	"rein/steps/artifact"
)

// Config is what a Server serves, and the functions that it calls.
type Config struct {
	Store *cache.Store // opened for reading
	Blobs compare.Blobs
	Log   *log.Logger // faults of the server's own
	Token string      // in the address that is printed
	Key   []byte      // signs cookies; with the same key, pages stay usable after a restart
	Hosts []string    // names under which the server may be called, besides addresses and localhost

	// Compare compares pipelines, each with the blobs that it names.
	Compare func(context.Context, []record.Pipeline) (*compare.Result, error)
	// Files lists the pipeline files.
	Files func(context.Context) ([]string, error)
	// Read is a pipeline file's text.
	Read func(file string) (string, error)
	// Plan plans a file as if it had this text.
	Plan func(ctx context.Context, file, text string) (*Plan, error)
	// Reviews lists the files that have rows to review; Review reads one's.
	Reviews func(context.Context) ([]string, error)
	Review  func(ctx context.Context, file string) (*Review, error)
}

// Review is a sample of rows that a person has to look at.
type Review struct {
	Path      string // of the decisions
	Rows      []artifact.Row
	Originals map[string]string // by id: the texts that rows were made of
}

// Server answers a browser.
type Server struct {
	Config
	guard   *guard
	mux     *http.ServeMux
	history historyCache
	results resultCache
	reviews reviews
}

// New makes a server. Nothing listens yet.
func New(c Config) *Server {
	s := &Server{Config: c, guard: newGuard(c.Token, c.Key, c.Hosts), mux: http.NewServeMux()}
	for pattern, h := range map[string]func(http.ResponseWriter, *http.Request) error{
		"GET /{$}":               s.runsPage,
		"GET /runs/table":        s.runsTable,
		"GET /runs/changes":      s.runsChanges,
		"GET /runs/{id}":         s.runPage,
		"GET /runs/{id}/events":  s.runEvents,
		"GET /history":           s.historyPage,
		"GET /compare":           s.comparePage,
		"GET /compare/report":    s.compareReport,
		"GET /rows":              s.rowsPage,
		"GET /review":            s.reviewPage,
		"GET /review/row":        s.reviewRow,
		"POST /review":           s.decide,
		"GET /plan":              s.planPage,
		"GET /plan/changes":      s.planChanges,
		"POST /plan":             s.planText,
		"GET /rows/table":        s.rowsTable,
		"GET /rows/detail":       s.rowDetail,
		"GET /assets/{hash}/{f}": s.asset,
	} {
		s.mux.Handle(pattern, s.answer(h))
	}
	return s
}

// errNotFound is what a page that doesn't exist answers.
var errNotFound = errors.New("there is no such page")

// answer makes a handler from a function that may fail: the error becomes a page.
func (s *Server) answer(h func(http.ResponseWriter, *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := h(w, r)
		switch {
		case err == nil || r.Context().Err() != nil:
		case errors.Is(err, errNotFound):
			s.problem(w, http.StatusNotFound, "Not found", "There is no such page, or what it shows is gone.")
		default:
			s.problem(w, http.StatusInternalServerError, "That didn't work", err.Error())
		}
	})
}

// OneTimeToken makes a token that can be used once.
func (s *Server) OneTimeToken() string { return s.guard.oneTime() }

// Handler is the server's handler.
func (s *Server) Handler() http.Handler { return s.guard.protect(s.mux) }

// Serve answers until ctx ends.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	srv := &http.Server{Handler: s.Handler(), ReadHeaderTimeout: 10 * time.Second, ErrorLog: s.Log,
		BaseContext: func(net.Listener) context.Context { return ctx }} // so that streams end with it
	stop := context.AfterFunc(ctx, func() {
		patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		if srv.Shutdown(patience) != nil {
			_ = srv.Close()
		}
	})
	defer stop()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
