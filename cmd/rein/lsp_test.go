package main

import (
	"context"
	"encoding/json"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sourcegraph/jsonrpc2"
)

const (
	lspBase  = "variable \"word\" {\n  default = \"a\"\n}\nstep \"exec\" \"first\" {\n  command = [\"sh\", \"-c\", \"printf ${var.word} > $REIN_OUT_text\"]\n  outputs = [\"text\"]\n}\n"
	lspLeaf  = "# 日本語 😀\npipeline \"p\" {\n  extends = \"base.hcl\"\n}\nstep \"exec\" \"second\" {\n  command = [\"sh\", \"-c\", \"cp $REIN_IN_text $REIN_OUT_copy\"]\n  inputs  = { text = step.first.text }\n  outputs = [\"copy\"]\n}\n"
	lspWrong = "step \"exec\" \"third\" {\n  command = [\"true\"]\n  inputs  = { /* 😀 */ x = step.frist.text }\n}\n"
)

// editorFolder has a project that ran once.
func editorFolder(t *testing.T) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"base.hcl": lspBase, "p.hcl": lspLeaf} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	run := exec.Command("rein", "run", "p.hcl", "-q")
	run.Dir = dir
	if out, err := run.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return dir
}

// TestLSPSession is a session over the standard streams of the program: what an editor sends, and what it gets.
func TestLSPSession(t *testing.T) {
	dir := editorFolder(t)
	server := exec.Command("rein", "lsp")
	server.Dir = t.TempDir() // an editor may start it anywhere
	server.Stderr = os.Stderr
	stdin, err := server.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	e := &editor{t: t, dir: dir, diagnostics: make(chan published, 100), refreshed: make(chan bool, 100)}
	e.conn = jsonrpc2.NewConn(t.Context(), jsonrpc2.NewBufferedStream(pipes{stdout, stdin}, jsonrpc2.VSCodeObjectCodec{}), e)
	e.call("initialize", map[string]any{"rootUri": e.uri(""), "capabilities": map[string]any{"workspace": map[string]any{"codeLens": map[string]any{"refreshSupport": true}}}}, nil)
	e.notify("initialized", map[string]any{})
	e.notify("textDocument/didOpen", map[string]any{"textDocument": map[string]any{"uri": e.uri("p.hcl"), "languageId": "rein", "version": 1, "text": lspLeaf}})
	if got := e.checked("1"); len(got) != 0 {
		t.Fatalf("a good file: %q", got)
	}
	<-e.refreshed
	if got := e.lenses(); got != "4: cached" {
		t.Errorf("after a run: %q", got)
	}
	var hover struct{ Contents struct{ Value string } }
	e.call("textDocument/hover", map[string]any{"textDocument": map[string]any{"uri": e.uri("p.hcl")}, "position": map[string]any{"line": 6, "character": 27}}, &hover)
	if !strings.Contains(hover.Contents.Value, "Cached: made 2") {
		t.Errorf("hover: %q", hover.Contents.Value)
	}
	e.change(2, strings.Replace(lspLeaf, "cp ", "cp -v ", 1))
	e.checked("2")
	<-e.refreshed
	if got := e.lenses(); !strings.HasPrefix(got, "4: re-runs 1 step, about ") {
		t.Errorf("after an edit: %q", got)
	}
	e.change(3, lspLeaf+lspWrong)
	if got := e.checked("3"); len(got) != 1 || !strings.Contains(got[0], `11:27 Unknown step: There is no step "frist". Did you mean "first"?`) {
		t.Errorf("a mistake: %q", got)
	}
	if _, err := os.Stat(filepath.Join(server.Dir, ".rein")); err == nil {
		t.Error("it wrote a state folder where it was started")
	}
	e.call("shutdown", nil, nil)
	e.notify("exit", nil)
	if err := server.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
}

// pipes are the two streams of a process.
type pipes struct {
	io.Reader
	io.WriteCloser
}

// editor is the other side of a session.
type editor struct {
	t           *testing.T
	dir         string
	conn        *jsonrpc2.Conn
	diagnostics chan published // of p.hcl
	refreshed   chan bool
}

// published are the diagnostics of one version: "LINE:COLUMN MESSAGE".
type published struct {
	version string
	list    []string
}

// checked waits for the diagnostics of a version.
func (e *editor) checked(version string) []string {
	for p := range e.diagnostics {
		if p.version == version {
			return p.list
		}
	}
	return nil
}

// Handle implements jsonrpc2.Handler.
func (e *editor) Handle(ctx context.Context, conn *jsonrpc2.Conn, r *jsonrpc2.Request) {
	if !r.Notif {
		if r.Method == "workspace/codeLens/refresh" {
			e.refreshed <- true
		}
		go func() { _ = conn.Reply(ctx, r.ID, nil) }()
		return
	}
	var p struct {
		URI         string
		Version     json.Number
		Diagnostics []struct {
			Message string
			Range   struct {
				Start struct{ Line, Character json.Number }
			}
		}
	}
	if err := json.Unmarshal(*r.Params, &p); err != nil {
		e.t.Error(err)
	}
	if !strings.HasSuffix(p.URI, "/p.hcl") {
		return
	}
	out := []string{}
	for _, d := range p.Diagnostics {
		out = append(out, d.Range.Start.Line.String()+":"+d.Range.Start.Character.String()+" "+d.Message)
	}
	e.diagnostics <- published{p.Version.String(), out}
}

func (e *editor) uri(name string) string {
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(filepath.Join(e.dir, name))}).String()
}

func (e *editor) call(method string, params, result any) {
	e.t.Helper()
	if err := e.conn.Call(e.t.Context(), method, params, result); err != nil {
		e.t.Fatalf("%s: %v", method, err)
	}
}

func (e *editor) notify(method string, params any) {
	e.t.Helper()
	if err := e.conn.Notify(e.t.Context(), method, params); err != nil {
		e.t.Fatalf("%s: %v", method, err)
	}
}

func (e *editor) change(version int, text string) {
	e.notify("textDocument/didChange", map[string]any{"textDocument": map[string]any{"uri": e.uri("p.hcl"), "version": version}, "contentChanges": []any{map[string]any{"text": text}}})
}

// lenses are the lenses of p.hcl: "LINE: TEXT".
func (e *editor) lenses() string {
	var list []struct {
		Range   struct{ Start struct{ Line json.Number } }
		Command struct{ Title string }
	}
	e.call("textDocument/codeLens", map[string]any{"textDocument": map[string]any{"uri": e.uri("p.hcl")}}, &list)
	var out []string
	for _, l := range list {
		out = append(out, l.Range.Start.Line.String()+": "+l.Command.Title)
	}
	return strings.Join(out, "; ")
}

// inNeovim opens a file with a mistake, waits for its diagnostic, takes the quick fix, renames a step and saves.
const inNeovim = `
local out = {}
local ok, err = pcall(function()
  local id = vim.lsp.start_client({ name = 'rein', cmd = { 'rein', 'lsp' }, root_dir = vim.fn.getcwd() })
  vim.cmd('edit p.hcl')
  vim.lsp.buf_attach_client(0, id)
  local function wait(what, f)
    if not vim.wait(60000, f, 20) then error('no ' .. what) end
  end
  wait('diagnostic', function() return #vim.diagnostic.get(0) == 1 end)
  local d = vim.diagnostic.get(0)[1]
  table.insert(out, d.lnum .. ' ' .. d.message)
  local function ask(method, params)
    local answers = assert(vim.lsp.buf_request_sync(0, method, params, 60000))
    for _, a in pairs(answers) do
      assert(not a.err, vim.inspect(a.err))
      return a.result
    end
  end
  local utf16 = vim.lsp.get_client_by_id(id).offset_encoding
  table.insert(out, utf16)
  local doc = vim.lsp.util.make_text_document_params()
  local lsp = d.user_data.lsp
  local range = { start = { line = d.lnum, character = 27 }, ['end'] = { line = d.lnum, character = 27 } }
  local actions = ask('textDocument/codeAction', { textDocument = doc, range = range, context = { diagnostics = {} } })
  table.insert(out, actions[1].title)
  vim.lsp.util.apply_workspace_edit(actions[1].edit, utf16)
  wait('good file', function() return #vim.diagnostic.get(0) == 0 end)
  local edit = ask('textDocument/rename', { textDocument = doc, position = { line = d.lnum, character = 35 }, newName = 'origin' })
  vim.lsp.util.apply_workspace_edit(edit, utf16)
  vim.cmd('wall')
end)
if not ok then table.insert(out, 'error: ' .. tostring(err)) end
vim.fn.writefile(out, 'out.txt')
vim.cmd('qall!')
`

// TestNeovim lets a real editor talk to the server.
func TestNeovim(t *testing.T) {
	nvim, err := exec.LookPath("nvim")
	if err != nil {
		t.Skip("nvim is not installed (Debian: neovim)")
	}
	dir := editorFolder(t)
	for name, text := range map[string]string{"p.hcl": lspLeaf + lspWrong, "check.lua": inNeovim} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	editor := exec.Command(nvim, "--headless", "-u", "NONE", "-i", "NONE", "-n", "-c", "luafile check.lua")
	editor.Dir = dir
	editor.Env = append(os.Environ(), "HOME="+t.TempDir(), "XDG_CONFIG_HOME="+t.TempDir(), "XDG_STATE_HOME="+t.TempDir(), "XDG_CACHE_HOME="+t.TempDir())
	log, err := editor.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	read := func(name string) string {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatalf("%v\n%s", err, log)
		}
		return string(b)
	}
	want := "11 Unknown step: There is no step \"frist\". Did you mean \"first\"?\nutf-16\nChange frist to first\n"
	if got := read("out.txt"); got != want {
		t.Errorf("the editor saw:\n%s\nwant:\n%s", got, want)
	}
	if got, want := read("p.hcl"), strings.NewReplacer("step.first", "step.origin", "step.frist", "step.origin").Replace(lspLeaf+lspWrong); got != want {
		t.Errorf("p.hcl:\n%s\nwant:\n%s", got, want)
	}
	if got, want := read("base.hcl"), strings.Replace(lspBase, "\"first\"", "\"origin\"", 1); got != want {
		t.Errorf("base.hcl:\n%s\nwant:\n%s", got, want)
	}
}
