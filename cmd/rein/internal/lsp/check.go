package lsp

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/sourcegraph/jsonrpc2"

	"rein/pipelines/lang/diag"
	"rein/steps/lineage"
)

// check publishes diagnostics and asks the store, each time something changed. It skips outdated states.
func (s *server) check(ctx context.Context) {
	shown := map[string]string{} // files that have diagnostics now, and their URIs
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.changed:
		}
		s.mu.Lock()
		snap := s.files.snapshot(s.config.Options)
		s.mu.Unlock()
		if err := s.guard("diagnostics", func() error { return s.publish(ctx, snap, shown) }); err != nil && !errors.Is(err, jsonrpc2.ErrClosed) {
			s.log.Printf("diagnostics: %v", err)
		}
		s.askStatus(ctx, snap)
	}
}

// publish sends the diagnostics of every file that has some, and clears those of files that have none any more.
func (s *server) publish(ctx context.Context, snap *snapshot, shown map[string]string) error {
	found := diagnose(ctx, snap)
	for name := range snap.opened {
		if found[name] == nil {
			found[name] = []diagnostic{} // the client waits for an answer about what it opened
		}
	}
	for name, uri := range shown {
		if found[name] == nil {
			if err := s.conn.Notify(ctx, "textDocument/publishDiagnostics", publishDiagnosticsParams{URI: uri, Diagnostics: []diagnostic{}}); err != nil {
				return err
			}
			delete(shown, name)
		}
	}
	version := func(name string) int {
		if d := snap.opened[name]; d != nil {
			return d.version
		}
		return -1
	}
	names := slices.SortedFunc(maps.Keys(found), func(a, b string) int { // a client that has the newest version's diagnostics has all
		return cmp.Or(cmp.Compare(version(a), version(b)), cmp.Compare(a, b))
	})
	for _, name := range names {
		p := publishDiagnosticsParams{URI: snap.uri(name), Diagnostics: found[name]}
		if d := snap.opened[name]; d != nil {
			p.Version = &d.version
		}
		if err := s.conn.Notify(ctx, "textDocument/publishDiagnostics", p); err != nil {
			return err
		}
		shown[name] = p.URI
	}
	return nil
}

// diagnose loads all pipelines that an open file is part of, together as `rein validate` does.
func diagnose(ctx context.Context, snap *snapshot) map[string][]diagnostic {
	if len(snap.opened) == 0 {
		return map[string][]diagnostic{}
	}
	var pipelines []string
	for name := range snap.opened {
		for _, p := range slices.Concat(snap.index().Pipelines(name), snap.index().SameName(name)) {
			if !slices.Contains(pipelines, p) {
				pipelines = append(pipelines, p)
			}
		}
	}
	slices.Sort(pipelines)
	var loaded *program
	if len(pipelines) == 1 {
		loaded = snap.program(pipelines[0]) // the requests use it, too
	} else {
		loaded = &program{}
		loaded.load(pipelines, snap.options)
	}
	out := map[string][]diagnostic{}
	for _, d := range diag.Describe(loaded.p.Sources, loaded.diags) {
		file, x := snap.diagnostic(d)
		if file == "" { // without a place: it is about the requested pipelines as a whole
			file = pipelines[0]
		}
		out[file] = append(out[file], x)
	}
	if loaded.diags.HasErrors() {
		return out
	}
	leaks, err := lineage.Problems(ctx, loaded.p.Graph)
	if err != nil {
		return out // it is asked again when something changes
	}
	for _, l := range leaks {
		file, x := snap.leak(l)
		if !slices.ContainsFunc(out[file], func(o diagnostic) bool { return o.Message == x.Message }) { // several strategies of one base
			out[file] = append(out[file], x)
		}
	}
	return out
}

// leak is the diagnostic of a report on rows that the model is made with. It stands at the step that makes the report.
func (s *snapshot) leak(l lineage.Problem) (string, diagnostic) {
	i := strings.LastIndexByte(l.Step.Pos, ':')
	file := l.Step.Pos[:max(i, 0)]
	line, _ := strconv.Atoi(l.Step.Pos[i+1:])
	x := diagnostic{Severity: 1, Source: "rein", Message: "Leakage: " + l.Text}
	if t := s.text(file); t != nil && line > 0 {
		x.Range = span{position{line - 1, 0}, t.position(t.offset(position{line - 1, 1 << 20}))}
	}
	return file, x
}

// diagnostic converts a diagnostic of lang to the protocol's form. It returns the file, too.
func (s *snapshot) diagnostic(d diag.Diagnostic) (string, diagnostic) {
	x := diagnostic{Severity: 1, Source: "rein", Message: d.Summary}
	if d.Severity == "warning" {
		x.Severity = 2
	}
	if d.Detail != "" {
		x.Message += ": " + d.Detail
	}
	if d.Snippet != nil {
		for _, v := range d.Snippet.Values {
			x.Message += "\n" + v.Traversal + " " + v.Statement
		}
	}
	for _, r := range d.Related {
		x.Related = append(x.Related, relatedInformation{s.location(r.Range), r.Message})
	}
	if d.Range == nil {
		return "", x
	}
	x.Range = s.span(*d.Range)
	return d.Range.Filename, x
}
