package lsp

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sourcegraph/jsonrpc2"

	"rein/pipelines/lang"
	"rein/steps/all"
)

// client is an editor: it keeps what the server tells it, and counts as editors do.
type client struct {
	t       testing.TB
	conn    *jsonrpc2.Conn
	root    string
	version int
	texts   map[string]string
	ended   chan error

	mu          sync.Mutex
	came        *sync.Cond
	diagnostics map[string]publishDiagnosticsParams // by file
	calls       []string                            // methods that the server called
}

// start writes files into a folder and opens a session on it.
func start(t testing.TB, files map[string]string, configure ...func(*Config)) *client {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	c := &client{t: t, root: root, texts: map[string]string{}, diagnostics: map[string]publishDiagnosticsParams{}, ended: make(chan error, 1)}
	c.came = sync.NewCond(&c.mu)
	for name, text := range files {
		c.write(name, text)
	}
	config := Config{Version: "test", Log: testLog{t}, Options: func(string) lang.Options { return lang.Options{Types: all.Types, Env: []string{}} }}
	for _, f := range configure {
		f(&config)
	}
	ours, theirs := net.Pipe()
	go func() { c.ended <- Serve(context.Background(), theirs, config) }()
	c.attach(ours)
	t.Cleanup(c.leave)
	return c
}

// attach connects and says hello.
func (c *client) attach(stream io.ReadWriteCloser) {
	c.conn = jsonrpc2.NewConn(context.Background(), jsonrpc2.NewBufferedStream(stream, jsonrpc2.VSCodeObjectCodec{}), c)
	var hello initializeResult
	c.call("initialize", map[string]any{"rootUri": c.uri(""), "capabilities": map[string]any{
		"workspace":    map[string]any{"codeLens": map[string]any{"refreshSupport": true}, "didChangeWatchedFiles": map[string]any{"dynamicRegistration": true}},
		"textDocument": map[string]any{"completion": map[string]any{"completionItem": map[string]any{"snippetSupport": true}}},
	}}, &hello)
	if hello.ServerInfo.Name != "rein" || hello.Capabilities.PositionEncoding != "utf-16" {
		c.t.Fatalf("hello: %+v", hello)
	}
	c.notify("initialized", map[string]any{})
}

func (c *client) leave() {
	c.call("shutdown", nil, nil)
	c.notify("exit", nil)
	if err := <-c.ended; err != nil {
		c.t.Errorf("the server ended with %v", err)
	}
	c.conn.Close()
}

type testLog struct{ t testing.TB }

// Write fails the test: the server has nothing to say about itself where all is well.
func (l testLog) Write(p []byte) (int, error) {
	if !strings.HasPrefix(string(p), "jsonrpc2: ") { // the library tells of messages that cross the end
		l.t.Errorf("log: %s", p)
	}
	return len(p), nil
}

// Handle implements jsonrpc2.Handler.
func (c *client) Handle(ctx context.Context, conn *jsonrpc2.Conn, r *jsonrpc2.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer c.came.Broadcast()
	c.calls = append(c.calls, r.Method)
	if !r.Notif {
		go conn.Reply(ctx, r.ID, nil)
		return
	}
	if r.Method == "textDocument/publishDiagnostics" {
		var p publishDiagnosticsParams
		if err := json.Unmarshal(*r.Params, &p); err != nil {
			c.t.Error(err)
		}
		c.diagnostics[c.file(p.URI)] = p
	}
}

func (c *client) uri(name string) string {
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(filepath.Join(c.root, name))}).String()
}

func (c *client) file(uri string) string {
	u, err := url.Parse(uri)
	if err != nil {
		c.t.Error(err)
		return ""
	}
	rel, _ := filepath.Rel(c.root, filepath.FromSlash(u.Path))
	return filepath.ToSlash(rel)
}

func (c *client) write(name, text string) {
	c.t.Helper()
	path := filepath.Join(c.root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		c.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		c.t.Fatal(err)
	}
}

func (c *client) call(method string, params, result any) {
	c.t.Helper()
	if err := c.try(method, params, result); err != nil {
		c.t.Fatalf("%s: %v", method, err)
	}
}

func (c *client) try(method string, params, result any) error {
	return c.conn.Call(context.Background(), method, params, result)
}

func (c *client) notify(method string, params any) {
	c.t.Helper()
	if err := c.conn.Notify(context.Background(), method, params); err != nil {
		c.t.Fatalf("%s: %v", method, err)
	}
}

func (c *client) document(name string) map[string]any {
	return map[string]any{"textDocument": map[string]any{"uri": c.uri(name)}}
}

// at is a place: behind the first occurrence of before in the file.
func (c *client) at(name, before string) map[string]any {
	c.t.Helper()
	i := strings.Index(c.texts[name], before)
	if i < 0 {
		c.t.Fatalf("%s has no %q", name, before)
	}
	p := c.document(name)
	p["position"] = utf16Place(c.texts[name], i+len(before))
	return p
}

// utf16Place is a byte's place, counted as in the specification, without the server's own code.
func utf16Place(text string, offset int) position {
	before := strings.ReplaceAll(text[:offset], "\r\n", "\n")
	line := strings.Count(before, "\n")
	last := before[strings.LastIndexByte(before, '\n')+1:]
	return position{line, len(utf16Units(last))}
}

func (c *client) open(name, text string) {
	c.version++
	c.texts[name] = text
	c.notify("textDocument/didOpen", map[string]any{"textDocument": map[string]any{"uri": c.uri(name), "languageId": "rein", "version": c.version, "text": text}})
}

// edit replaces the first occurrence of a text as typing does: by its range.
func (c *client) edit(name, old, new string) {
	c.t.Helper()
	i := strings.Index(c.texts[name], old)
	if i < 0 {
		c.t.Fatalf("%s has no %q", name, old)
	}
	c.version++
	r := span{utf16Place(c.texts[name], i), utf16Place(c.texts[name], i+len(old))}
	c.texts[name] = c.texts[name][:i] + new + c.texts[name][i+len(old):]
	c.notify("textDocument/didChange", map[string]any{"textDocument": map[string]any{"uri": c.uri(name), "version": c.version},
		"contentChanges": []any{map[string]any{"range": r, "text": new}}})
}

// checked waits until the files that were edited last have been checked, and gives the diagnostics of one.
func (c *client) checked(name string) []diagnostic {
	c.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	current := func() bool {
		for _, p := range c.diagnostics {
			if p.Version != nil && *p.Version == c.version {
				return true
			}
		}
		return false
	}
	for !current() {
		c.came.Wait()
	}
	return c.diagnostics[name].Diagnostics
}

// messages are those of a file's diagnostics, with their places: "2:4-9 Unknown variable: ...".
func (c *client) messages(name string) []string {
	c.t.Helper()
	var out []string
	for _, d := range c.checked(name) {
		out = append(out, spanText(d.Range)+" "+d.Message)
	}
	return out
}

// apply makes the edits of an answer in the texts that are open, and on disk for the others.
func (c *client) apply(edit workspaceEdit) {
	c.t.Helper()
	for _, uri := range slices.Sorted(maps.Keys(edit.Changes)) {
		name := c.file(uri)
		text, opened := c.texts[name]
		if !opened {
			b, err := os.ReadFile(filepath.Join(c.root, name))
			if err != nil {
				c.t.Fatal(err)
			}
			text = string(b)
		}
		if text = applied(text, edit.Changes[uri]); opened {
			c.texts[name] = text
			c.version++
			c.notify("textDocument/didChange", map[string]any{"textDocument": map[string]any{"uri": uri, "version": c.version},
				"contentChanges": []any{map[string]any{"text": text}}})
		} else {
			c.write(name, text)
		}
	}
}

// awaitCalls waits until the server has called a method.
func (c *client) awaitCalls(method string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for !slices.Contains(c.calls, method) {
		c.came.Wait()
	}
}
