package lsp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"runtime/debug"
	"sync"
	"time"

	"github.com/sourcegraph/jsonrpc2"

	"rein/pipelines/lang"
)

// Config is what the server needs to know of the program that it is part of.
type Config struct {
	Version string
	// Options are what pipelines of a folder are loaded with; Dir, Overlay and Parsed are the server's.
	Options func(root string) lang.Options
	// Status asks the store about the steps of a program. It may be slow, because no request waits for it. nil: the store isn't asked.
	Status func(ctx context.Context, root string, p *lang.Program) (Statuses, error)
	// StatusDelay is how long the files must be unchanged before the store is asked.
	StatusDelay time.Duration
	// Log gets the server's own messages; nil: they are dropped.
	Log io.Writer
}

// Codes of errors in the protocol.
const (
	codeNotInitialized = -32002
	codeCancelled      = -32800
	codeRequestFailed  = -32803
)

// ErrNoShutdown is the error of Serve if the client left without a shutdown request.
var ErrNoShutdown = errors.New("the client went away without a shutdown request")

// Serve answers a client until it leaves or ctx ends.
func Serve(ctx context.Context, stream io.ReadWriteCloser, c Config) error {
	if c.Log == nil {
		c.Log = io.Discard
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s := &server{config: c, cancel: cancel, running: map[jsonrpc2.ID]context.CancelFunc{}, changed: make(chan struct{}, 1), done: make(chan struct{})}
	s.files = newFiles()
	logger := log.New(c.Log, "", 0)
	s.log = logger
	s.mu.Lock() // no message is handled before the server knows its connection
	conn := jsonrpc2.NewConn(ctx, jsonrpc2.NewBufferedStream(stream, jsonrpc2.VSCodeObjectCodec{}), s, jsonrpc2.SetLogger(logger))
	s.conn = conn
	s.mu.Unlock()
	s.work.Go(func() { s.check(ctx) })
	select {
	case <-conn.DisconnectNotify():
	case <-s.done:
	case <-ctx.Done():
	}
	interrupted := ctx.Err()
	cancel()
	conn.Close() // before waiting, because a client that no longer reads would block an answer
	s.work.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.state == stateShutdown:
		return nil
	case interrupted != nil:
		return interrupted
	}
	return ErrNoShutdown
}

type state int

const (
	stateNew state = iota
	stateReady
	stateShutdown
)

// server is one connection. Notifications are handled in the order in which they arrive. Requests run side by side, each with the snapshot
// of the moment at which it arrived.
type server struct {
	config  Config
	conn    *jsonrpc2.Conn
	log     *log.Logger
	cancel  context.CancelFunc
	work    sync.WaitGroup
	changed chan struct{} // there is something to check
	done    chan struct{} // exit was called

	mu      sync.Mutex
	state   state
	client  clientCapabilities
	files   *files
	running map[jsonrpc2.ID]context.CancelFunc
	known   map[string]known // by pipeline file
	ended   bool

	stopAsking context.CancelFunc // of check's
}

// Handle implements jsonrpc2.Handler. The connection calls it for one message after the other.
func (s *server) Handle(ctx context.Context, conn *jsonrpc2.Conn, r *jsonrpc2.Request) {
	if r.Notif {
		if err := s.guard(r.Method, func() error { return s.notification(r) }); err != nil {
			s.log.Printf("%s: %v", r.Method, err)
		}
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	s.mu.Lock()
	s.running[r.ID] = cancel
	s.mu.Unlock()
	var result any
	answer := func() {
		err := s.guard(r.Method, func() (err error) {
			result, err = s.request(ctx, r)
			return err
		})
		s.mu.Lock()
		delete(s.running, r.ID)
		s.mu.Unlock()
		if ctx.Err() != nil {
			err = &jsonrpc2.Error{Code: codeCancelled, Message: "cancelled"}
		}
		cancel()
		s.reply(conn, r.ID, result, err)
	}
	if r.Method == "initialize" || r.Method == "shutdown" { // what comes next depends on it
		answer()
		return
	}
	snap, err := s.snapshot(r)
	if err != nil {
		cancel()
		s.reply(conn, r.ID, nil, err)
		return
	}
	ctx = context.WithValue(ctx, snapshotKey{}, snap)
	s.work.Go(answer)
}

type snapshotKey struct{}

func (s *server) reply(conn *jsonrpc2.Conn, id jsonrpc2.ID, result any, err error) {
	ctx := context.Background() // an answer is sent even while the server ends
	var known *jsonrpc2.Error
	switch {
	case err == nil:
		err = conn.Reply(ctx, id, result)
	case errors.As(err, &known):
		err = conn.ReplyWithError(ctx, id, known)
	default:
		err = conn.ReplyWithError(ctx, id, &jsonrpc2.Error{Code: codeRequestFailed, Message: err.Error()})
	}
	if err != nil && !errors.Is(err, jsonrpc2.ErrClosed) {
		s.log.Printf("answer: %v", err)
	}
}

// guard turns a panic into an error, so that one request doesn't end the editor's session.
func (s *server) guard(method string, f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			s.log.Printf("%s: panic: %v\n%s", method, p, debug.Stack())
			err = &jsonrpc2.Error{Code: jsonrpc2.CodeInternalError, Message: fmt.Sprintf("a mistake in rein: %v", p)}
		}
	}()
	return f()
}

// snapshot is the state of the files now, or the reason why a request can't be answered.
func (s *server) snapshot(r *jsonrpc2.Request) (*snapshot, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch s.state {
	case stateNew:
		return nil, &jsonrpc2.Error{Code: codeNotInitialized, Message: r.Method + " before initialize"}
	case stateShutdown:
		return nil, &jsonrpc2.Error{Code: jsonrpc2.CodeInvalidRequest, Message: r.Method + " after shutdown"}
	}
	return s.files.snapshot(s.config.Options), nil
}

// params decodes what a message came with.
func params[T any](r *jsonrpc2.Request) (T, error) {
	var p T
	if r.Params == nil {
		return p, &jsonrpc2.Error{Code: jsonrpc2.CodeInvalidParams, Message: r.Method + " has no parameters"}
	}
	if err := json.Unmarshal(*r.Params, &p); err != nil {
		return p, &jsonrpc2.Error{Code: jsonrpc2.CodeInvalidParams, Message: fmt.Sprintf("%s: %v", r.Method, err)}
	}
	return p, nil
}

// on answers a request about a file with f; with null if the file isn't known.
func on[T any](ctx context.Context, r *jsonrpc2.Request, uri func(*T) string, f func(*snapshot, string, *T) (any, error)) (any, error) {
	p, err := params[T](r)
	if err != nil {
		return nil, err
	}
	snap := ctx.Value(snapshotKey{}).(*snapshot)
	file, ok := snap.name(uri(&p))
	if !ok || snap.text(file) == nil {
		return nil, nil
	}
	return f(snap, file, &p)
}

func (p *textDocumentPosition) uri() string { return p.TextDocument.URI }
func (p *documentParams) uri() string       { return p.TextDocument.URI }
func (p *codeActionParams) uri() string     { return p.TextDocument.URI }

func (s *server) request(ctx context.Context, r *jsonrpc2.Request) (any, error) {
	at := func(f func(*snapshot, string, int) (any, error)) (any, error) {
		return on(ctx, r, (*textDocumentPosition).uri, func(snap *snapshot, file string, p *textDocumentPosition) (any, error) {
			return f(snap, file, snap.text(file).offset(p.Position))
		})
	}
	whole := func(f func(*snapshot, string) (any, error)) (any, error) {
		return on(ctx, r, (*documentParams).uri, func(snap *snapshot, file string, _ *documentParams) (any, error) { return f(snap, file) })
	}
	switch r.Method {
	case "initialize":
		return s.initialize(r)
	case "shutdown":
		s.mu.Lock()
		defer s.mu.Unlock()
		s.state = stateShutdown
		return nil, nil
	case "textDocument/completion":
		return at(s.complete)
	case "textDocument/hover":
		return at(s.hover)
	case "textDocument/definition":
		return at(s.definition)
	case "textDocument/references":
		return on(ctx, r, (*textDocumentPosition).uri, func(snap *snapshot, file string, p *textDocumentPosition) (any, error) {
			return s.references(snap, file, p)
		})
	case "textDocument/documentHighlight":
		return at(s.highlight)
	case "textDocument/prepareRename":
		return at(s.prepareRename)
	case "textDocument/rename":
		return on(ctx, r, (*textDocumentPosition).uri, func(snap *snapshot, file string, p *textDocumentPosition) (any, error) {
			return s.rename(snap, file, p)
		})
	case "textDocument/documentSymbol":
		return whole(s.documentSymbols)
	case "workspace/symbol":
		p, err := params[workspaceSymbolParams](r)
		if err != nil {
			return nil, err
		}
		return s.workspaceSymbols(ctx.Value(snapshotKey{}).(*snapshot), p.Query)
	case "textDocument/formatting":
		return whole(s.format)
	case "textDocument/foldingRange":
		return whole(s.fold)
	case "textDocument/semanticTokens/full":
		return whole(s.semanticTokens)
	case "textDocument/codeAction":
		return on(ctx, r, (*codeActionParams).uri, func(snap *snapshot, file string, p *codeActionParams) (any, error) {
			return s.codeActions(snap, file, p)
		})
	case "textDocument/codeLens":
		return whole(s.codeLenses)
	}
	return nil, &jsonrpc2.Error{Code: jsonrpc2.CodeMethodNotFound, Message: "there is no method " + r.Method}
}

func (s *server) notification(r *jsonrpc2.Request) error {
	switch r.Method {
	case "exit":
		s.mu.Lock()
		defer s.mu.Unlock()
		if !s.ended {
			s.ended = true
			close(s.done)
		}
		return nil
	case "$/cancelRequest":
		p, err := params[struct {
			ID jsonrpc2.ID `json:"id"`
		}](r)
		if err != nil {
			return err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if cancel := s.running[p.ID]; cancel != nil {
			cancel()
		}
		return nil
	}
	s.mu.Lock()
	ready := s.state == stateReady
	s.mu.Unlock()
	if !ready {
		return nil // the protocol says that messages which come too early or too late are dropped
	}
	return s.fileEvent(r)
}

// fileEvent handles the client's news about files, and requests a check.
func (s *server) fileEvent(r *jsonrpc2.Request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch r.Method {
	case "initialized":
		s.watchFiles()
		return nil
	case "textDocument/didOpen":
		p, err := params[didOpenParams](r)
		if err != nil {
			return err
		}
		s.files.open(p.TextDocument.URI, p.TextDocument.Version, p.TextDocument.Text)
	case "textDocument/didChange":
		p, err := params[didChangeParams](r)
		if err != nil {
			return err
		}
		if err := s.files.change(p.TextDocument.URI, p.TextDocument.Version, p.ContentChanges); err != nil {
			return err
		}
	case "textDocument/didClose":
		p, err := params[documentParams](r)
		if err != nil {
			return err
		}
		s.files.close(p.TextDocument.URI)
	case "textDocument/didSave", "workspace/didChangeWatchedFiles":
		s.files.rescan()
	default:
		return nil
	}
	select {
	case s.changed <- struct{}{}:
	default: // it will look anyway
	}
	return nil
}

// watchFiles asks the client to report changes on disk. That needs an answer, so it runs in the background.
func (s *server) watchFiles() {
	if !s.client.Workspace.DidChangeWatchedFiles.DynamicRegistration {
		return
	}
	type watcher struct {
		GlobPattern string `json:"globPattern"`
	}
	watch := map[string]any{"registrations": []any{map[string]any{"id": "files", "method": "workspace/didChangeWatchedFiles",
		"registerOptions": map[string]any{"watchers": []watcher{{"**/*.hcl"}, {"**/*.rein.json"}}}}}}
	go func() {
		if err := s.conn.Call(context.Background(), "client/registerCapability", watch, nil); err != nil && !errors.Is(err, jsonrpc2.ErrClosed) {
			s.log.Printf("watching files: %v", err)
		}
	}()
}
