package review

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"rein/steps/artifact"
)

// The verdicts of a person on a row.
const (
	Accept  = "accept"
	Reject  = "reject"
	Relabel = "relabel"
)

// Decision is a person's verdict on a row.
type Decision struct {
	Verdict string
	Label   string // the right label, if the verdict is Relabel
	Note    string
}

// Decisions maps row ids to decisions.
type Decisions map[string]Decision

var header = []string{"id", "verdict", "label", "note"}

// ReadDecisions reads a CSV file with the columns id, verdict, label, note. An empty file gives no decisions. A line that isn't a decision
// is an error.
func ReadDecisions(path string) (Decisions, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.FieldsPerRecord = len(header)
	first, err := r.Read()
	if errors.Is(err, io.EOF) {
		return Decisions{}, nil
	} else if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if !slices.Equal(first, header) {
		return nil, fmt.Errorf("%s:1: columns %q, want %q", path, first, header)
	}
	out := Decisions{}
	for {
		rec, err := r.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		} else if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		line, _ := r.FieldPos(0)
		for i := range rec {
			rec[i] = artifact.CellText(rec[i])
		}
		d := Decision{rec[1], rec[2], rec[3]}
		if err := d.Check(); err != nil {
			return nil, fmt.Errorf("%s:%d: row %s: %w", path, line, rec[0], err)
		}
		if _, twice := out[rec[0]]; twice {
			return nil, fmt.Errorf("%s:%d: row %s is decided twice", path, line, rec[0])
		}
		out[rec[0]] = d
	}
}

// DecisionsSoFar does the same as ReadDecisions, but returns no decisions if the file doesn't exist.
func DecisionsSoFar(path string) (Decisions, error) {
	d, err := ReadDecisions(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Decisions{}, nil
	}
	return d, err
}

// Decided counts the rows that have a decision.
func (d Decisions) Decided(rows []artifact.Row) int {
	n := 0
	for _, r := range rows {
		if _, ok := d[r.ID]; ok {
			n++
		}
	}
	return n
}

// Next returns the index of the first row without a decision. It searches from index from to the end, then from the beginning. It returns
// -1 if all rows have one.
func (d Decisions) Next(rows []artifact.Row, from int) int {
	for i := range rows {
		at := (from + i) % len(rows)
		if _, ok := d[rows[at].ID]; !ok {
			return at
		}
	}
	return -1
}

// Check returns an error if the decision is invalid.
func (d Decision) Check() error {
	switch {
	case d.Verdict != Accept && d.Verdict != Reject && d.Verdict != Relabel:
		return fmt.Errorf("verdict %q; want %s, %s or %s", d.Verdict, Accept, Reject, Relabel)
	case d.Verdict == Relabel && d.Label != artifact.Benign && d.Label != artifact.Malicious:
		return fmt.Errorf("label %q; want %s or %s", d.Label, artifact.Benign, artifact.Malicious)
	}
	return nil
}

// Change writes a decision of a row to a file; nil takes it back. The file is read again first, because decisions may have come from
// elsewhere meanwhile: from a browser, a second terminal or an editor. Those are returned, too.
func Change(path, id string, d *Decision) (Decisions, error) {
	all, err := DecisionsSoFar(path)
	if err != nil {
		return nil, err
	}
	if d == nil {
		delete(all, id)
	} else {
		all[id] = *d
	}
	return all, all.Write(path)
}

// Write writes the decisions to a file, sorted by id so that git shows what changed. After a failure, or a power cut, the old file is
// unchanged. Of a link, what it leads to is written.
func (d Decisions) Write(path string) error {
	mode := fs.FileMode(0o644)
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
		if info, err := os.Stat(path); err == nil {
			mode = info.Mode().Perm()
		}
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".review-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	w := csv.NewWriter(f)
	err = w.Write(header)
	for _, id := range slices.Sorted(maps.Keys(d)) {
		err = errors.Join(err, w.Write([]string{artifact.Cell(id), d[id].Verdict, d[id].Label, artifact.Cell(d[id].Note)}))
	}
	w.Flush()
	if err := errors.Join(err, w.Error(), f.Chmod(mode), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
