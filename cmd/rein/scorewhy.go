package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"os"
	"slices"
	"strings"

	"rein/pipelines/human"
	"rein/steps/artifact"
	"rein/steps/score"
)

// explaining says which explanations are requested besides the verdict.
type explaining struct {
	explain      bool
	near, alarms string
}

func (e explaining) on() bool { return e.explain || e.near != "" || e.alarms != "" }

// known reads the rows that explanations may point to.
func (e explaining) known() (k score.Known, err error) {
	for _, x := range []struct {
		path string
		to   **score.Library
	}{{e.near, &k.Rows}, {e.alarms, &k.Alarms}} {
		if x.path == "" {
			continue
		}
		rows, err := knownRows(x.path)
		if err != nil {
			return k, err
		}
		if *x.to, err = score.NewLibrary(rows); err != nil {
			return k, configError(err)
		}
	}
	return k, nil
}

// knownRows reads rows of a file in the form that rein get writes.
func knownRows(path string) (iter.Seq2[artifact.Row, error], error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, configError(fmt.Errorf("%w; rein get FILE step.NAME.rows -o rows.parquet writes a step's rows", err))
	}
	defer f.Close()
	if !isJSONL(path) {
		if scored, err := isScores(path); err != nil || scored {
			return nil, configError(cmp.Or(err, fmt.Errorf("%s holds a model's answers, not rows; rein get FILE step.NAME.rows -o rows.parquet writes rows", path)))
		}
		return artifact.Rows{Path: path}.All(), nil
	}
	return func(yield func(artifact.Row, error) bool) {
		f, err := os.Open(path)
		if err != nil {
			yield(artifact.Row{}, err)
			return
		}
		defer f.Close()
		for dec, n := json.NewDecoder(bufio.NewReader(f)), 1; ; n++ {
			var r artifact.Row
			err := dec.Decode(&r)
			if errors.Is(err, io.EOF) {
				return
			}
			if err == nil && r.Text == "" {
				err = errors.New(`the object has no "text"`)
			}
			if err != nil {
				err = fmt.Errorf("%s: row %d: %w", path, n, err)
			}
			if !yield(r, err) || err != nil {
				return
			}
		}
	}, nil
}

// shownAdds is how many words of the linear part are shown.
const shownAdds = 5

// explained are the lines below a verdict that explain it.
func explained(ans score.Answer) string {
	e := ans.Explanation
	if e == nil {
		return ""
	}
	var b strings.Builder
	if len(e.Spans) > 0 {
		var parts []string
		for _, p := range e.Spans {
			parts = append(parts, fmt.Sprintf("%q", p.Text))
		}
		fmt.Fprintf(&b, "\t%.4f without %s", e.Without, strings.Join(parts, ", "))
		switch {
		case e.Turns && len(parts) == 1:
			b.WriteString(": benign")
		case e.Turns:
			b.WriteString(": benign, and malicious again with any one of them")
		case ans.Malicious:
			b.WriteString(": no few spans turn the verdict, these count most")
		}
		b.WriteByte('\n')
	}
	if l := e.Linear; l != nil && len(l.Pieces) > 0 {
		pieces := slices.SortedStableFunc(slices.Values(l.Pieces), func(a, b score.Adds) int { return cmp.Compare(math.Abs(b.Adds), math.Abs(a.Adds)) })
		fmt.Fprintf(&b, "\tlinear part %+.2f of log-odds %+.2f:", l.Total, l.Total+l.Others)
		rest := l.Total
		for _, p := range pieces[:min(shownAdds, len(pieces))] {
			fmt.Fprintf(&b, " %q %+.2f,", p.Text, p.Adds)
			rest -= p.Adds
		}
		fmt.Fprintf(&b, " the rest %+.2f\n", rest)
	}
	for _, n := range e.Nearest {
		fmt.Fprintf(&b, "\tlike a row of training, %.2f: %s\n", n.Similarity, neighbour(n))
	}
	if g := e.Alarms; g != nil {
		fmt.Fprintf(&b, "\tlike %s that share %s, %.2f: %s\n", human.Many(g.Rows, "known false alarm"), strings.Join(g.Words, ", "), g.Nearest.Similarity, neighbour(g.Nearest))
	}
	return b.String()
}

// neighbour is a row and where it came from.
func neighbour(n score.Neighbour) string {
	from := n.ID
	if n.Source != "" {
		from += " of " + n.Source
	}
	if n.Method != "" {
		from += ", written by " + n.Method + " from " + n.Parent
	}
	return fmt.Sprintf("%s %q (%s)", cmp.Or(n.Label, "row"), n.Text, human.Safe(from))
}
