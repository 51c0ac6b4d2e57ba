package suite

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"rein/cache"
	"rein/engine"
	"rein/pipelines/lang"
	"rein/steps"
	"rein/steps/artifact"
)

// rows executes one step on the test's rows. The facts are output (rows of each port), metric and notes.
func (r *Run) rows(ctx context.Context, p *lang.Program, env Env) (facts map[string]any, failures []string, err error) {
	pipe := p.Graph.Pipelines[0]
	i := slices.IndexFunc(pipe.Nodes, func(n *engine.Node) bool { return n.Name == r.Step })
	if i < 0 {
		return nil, nil, fmt.Errorf("%s has no step %q", r.Pipeline, r.Step)
	}
	s, drop, err := store()
	if err != nil {
		return nil, nil, err
	}
	defer drop()
	dir, err := os.MkdirTemp("", "rein-rows-")
	if err != nil {
		return nil, nil, err
	}
	defer os.RemoveAll(dir)
	n := pipe.Nodes[i]
	alone := &engine.Node{Name: n.Name, Type: n.Type, Pos: n.Pos, Op: n.Op, Ports: n.Ports}
	for port, v := range r.inputs {
		path, err := r.input(dir, port, v, portOf(env.Lang.Types(), n.Type, port))
		if err != nil {
			return nil, nil, fmt.Errorf("inputs: %s: %w", port, err)
		}
		alone.Inputs = append(alone.Inputs, engine.Input{Port: port, Refs: []engine.Ref{{Path: &engine.Path{Kind: engine.PathAny, Abs: path, Text: port}}}})
	}
	slices.SortFunc(alone.Inputs, func(a, b engine.Input) int { return strings.Compare(a.Port, b.Port) })
	rec, err := engine.Run(ctx, &engine.Graph{Pipelines: []*engine.Pipeline{{Name: pipe.Name, File: pipe.File, Nodes: []*engine.Node{alone}}}}, env.Engine(s))
	if err != nil {
		return nil, nil, err
	}
	done := rec.Pipelines[0].Steps[0]
	if done.Error != "" {
		return nil, nil, fmt.Errorf("step %s %s: %s", done.Name, done.Status, done.Error)
	}
	output, first, err := outputs(ctx, s, n, done.Outputs)
	if err != nil {
		return nil, nil, err
	}
	if r.Snapshot != "" {
		if failures, err = r.snapshot(first, env.Update); err != nil {
			return nil, nil, err
		}
	}
	metrics := map[string]float64{}
	for k, v := range done.Result.Metrics {
		metrics[k] = v
	}
	return map[string]any{"output": output, "metric": metrics, "notes": append([]string{}, done.Result.Notes...)}, failures, nil
}

// portOf is an input port of a step type; nil if it has none of that name, or the pipeline names its ports.
func portOf(types []*steps.Type, typ, port string) *steps.Port {
	for _, t := range types {
		for i := range t.In {
			if t.Name == typ && t.In[i].Name == port {
				return &t.In[i]
			}
		}
	}
	return nil
}

// input is a file for an input port: of rows in the test, of a file of JSON lines, or a path as it is.
func (r *Run) input(dir, port string, v cty.Value, p *steps.Port) (string, error) {
	isRows := p != nil && p.Kind == "rows"
	var lines [][]byte
	switch {
	case v.Type() == cty.String && !v.IsNull():
		path := beside(r.File, v.AsString())
		if !isRows || filepath.Ext(path) == ".parquet" {
			return filepath.Abs(path)
		}
		text, err := lang.ReadFile(path)
		if err != nil {
			return "", err
		}
		for line := range bytes.Lines(text) {
			if line = bytes.TrimSpace(line); len(line) > 0 {
				lines = append(lines, line)
			}
		}
	case isRows:
		for _, row := range elements(v) {
			b, err := ctyjson.SimpleJSONValue{Value: row}.MarshalJSON()
			if err != nil {
				return "", err
			}
			lines = append(lines, b)
		}
	default:
		return "", errors.New("want a path, or a list of rows for a port that takes rows")
	}
	rows, err := readRows(lines)
	if err != nil {
		return "", err
	}
	out, err := artifact.WriteRows(filepath.Join(dir, port+".parquet"), rows)
	return out.Path, err
}

// readRows reads rows of JSON; an id that isn't given is the row's number.
func readRows(lines [][]byte) ([]artifact.Row, error) {
	if len(lines) == 0 {
		return nil, errors.New("there are no rows")
	}
	var out []artifact.Row
	for i, l := range lines {
		var row artifact.Row
		d := json.NewDecoder(bytes.NewReader(l))
		d.DisallowUnknownFields()
		if err := d.Decode(&row); err != nil {
			return nil, fmt.Errorf("row %d: %w", i+1, err)
		}
		if row.ID == "" {
			row.ID = fmt.Sprintf("row-%d", i+1)
		}
		if row.Label == "" {
			row.Label = artifact.Benign
		}
		if row.Root == "" {
			row.Root = row.ID
		}
		out = append(out, row)
	}
	return out, nil
}

// outputs reads what a step made: rows of each port that has rows, and reports; first are the rows of the first such port.
func outputs(ctx context.Context, s *cache.Store, n *engine.Node, blobs map[string]cache.Blob) (all map[string]any, first []artifact.Row, err error) {
	all = map[string]any{}
	for _, port := range n.Ports {
		b, ok := blobs[port.Name]
		if !ok {
			continue
		}
		path, err := s.Path(ctx, b)
		if err != nil {
			return nil, nil, err
		}
		switch port.Kind {
		case "rows":
			rows, err := artifact.Rows{Path: path}.Read()
			if err != nil {
				return nil, nil, fmt.Errorf("output %s: %w", port.Name, err)
			}
			if first == nil {
				first = rows
			}
			all[port.Name] = rowFacts(rows)
		case "report":
			text, err := os.ReadFile(path)
			if err != nil {
				return nil, nil, err
			}
			all[port.Name] = json.RawMessage(text)
		}
	}
	return all, first, nil
}

// rowFacts are rows with all fields, including empty ones.
func rowFacts(rows []artifact.Row) []map[string]any {
	out := []map[string]any{}
	for _, r := range rows {
		out = append(out, map[string]any{"id": r.ID, "text": r.Text, "label": r.Label, "category": r.Category, "source": r.Source, "root": r.Root,
			"parent": r.Parent, "method": r.Method, "score": r.Score, "weight": r.Weight, "time": r.Time,
			"role": r.Role, "channel": r.Channel})
	}
	return out
}

// snapshot compares rows with a file of JSON lines, or writes it.
func (r *Run) snapshot(rows []artifact.Row, update bool) ([]string, error) {
	var got bytes.Buffer
	enc := json.NewEncoder(&got)
	enc.SetEscapeHTML(false)
	for _, row := range rows {
		if err := enc.Encode(row); err != nil {
			return nil, err
		}
	}
	if update {
		return nil, os.WriteFile(r.Snapshot, got.Bytes(), 0o666)
	}
	want, err := os.ReadFile(r.Snapshot)
	if errors.Is(err, fs.ErrNotExist) {
		return []string{fmt.Sprintf("%s is not there: rein test --update writes it", r.Snapshot)}, nil
	} else if err != nil {
		return nil, err
	}
	return differences(r.Snapshot, lines(want), lines(got.Bytes())), nil
}

func lines(b []byte) []string {
	return strings.FieldsFunc(string(b), func(c rune) bool { return c == '\n' })
}

// mostDifferences is how many lines of a snapshot that differ are shown.
const mostDifferences = 5

func differences(name string, want, got []string) []string {
	var b strings.Builder
	n := 0
	for i := range max(len(want), len(got)) {
		w, g := "(no row)", "(no row)"
		if i < len(want) {
			w = want[i]
		}
		if i < len(got) {
			g = got[i]
		}
		if w == g {
			continue
		}
		if n++; n <= mostDifferences {
			fmt.Fprintf(&b, "\n  row %d was %s\n  %*s is  %s", i+1, w, len(fmt.Sprint("row ", i+1)), "", g)
		}
	}
	if n == 0 {
		return nil
	}
	return []string{fmt.Sprintf("%d of %d rows differ from %s; rein test --update takes them as they are%s", n, max(len(want), len(got)), name, b.String())}
}
