package reviewui

import (
	"errors"
	"maps"
	"path/filepath"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"rein/steps/artifact"
	"rein/steps/review"
)

func screen(d review.Decisions, change Change) *Model {
	rows := []artifact.Row{{ID: "1", Text: "first", Label: artifact.Benign, Method: "swap"}, {ID: "2", Text: "second", Label: artifact.Malicious}, {ID: "3", Text: "third", Label: artifact.Benign}}
	return New(rows, d, change)
}

func press(m *Model, keys ...string) (quit bool) {
	for _, k := range keys {
		msg := tea.KeyPressMsg{Code: []rune(k)[0], Text: k}
		switch k {
		case "enter":
			msg = tea.KeyPressMsg{Code: tea.KeyEnter}
		case "backspace":
			msg = tea.KeyPressMsg{Code: tea.KeyBackspace}
		}
		_, cmd := m.Update(msg)
		quit = cmd != nil
	}
	return quit
}

func TestDecisions(t *testing.T) {
	saves := 0
	d := review.Decisions{}
	m := screen(maps.Clone(d), func(id string, x *review.Decision) (review.Decisions, error) {
		saves++
		if delete(d, id); x != nil {
			d[id] = *x
		}
		return maps.Clone(d), nil
	})
	if !strings.Contains(m.screen(), "0 of 3 decided") || !strings.Contains(m.screen(), "first") {
		t.Errorf("%s", m.screen())
	}
	press(m, "a", "n", "o", "d", "x", "backspace", "enter", "l", "r")
	want := review.Decisions{"1": {Verdict: review.Accept}, "2": {Verdict: review.Relabel, Label: artifact.Benign, Note: "od"}, "3": {Verdict: review.Reject}}
	if len(d) != 3 || d["1"] != want["1"] || d["2"] != want["2"] || d["3"] != want["3"] || saves != 3 {
		t.Errorf("%v after %d saves", d, saves)
	}
	if !strings.Contains(m.screen(), "All are decided") {
		t.Errorf("%s", m.screen())
	}
	if press(m, "u"); len(d) != 2 || !strings.Contains(m.screen(), "third") {
		t.Errorf("after undo: %v\n%s", d, m.screen())
	}
	if !press(m, "q") {
		t.Error("q doesn't end")
	}
}

// Decisions that come from elsewhere while the screen is open are kept, and count.
func TestDecisionsFromElsewhereStay(t *testing.T) {
	path := filepath.Join(t.TempDir(), "review.csv")
	m := screen(review.Decisions{}, func(id string, d *review.Decision) (review.Decisions, error) { return review.Change(path, id, d) })
	if err := (review.Decisions{"2": {Verdict: review.Reject, Note: "by another person"}}).Write(path); err != nil {
		t.Fatal(err)
	}
	if press(m, "a"); !strings.Contains(m.screen(), "third") {
		t.Errorf("the second is decided, and shown:\n%s", m.screen())
	}
	press(m, "r", "u")
	d, err := review.ReadDecisions(path)
	if err != nil || len(d) != 2 || d["1"].Verdict != review.Accept || d["2"].Note != "by another person" {
		t.Errorf("%v, %v", d, err)
	}
}

func TestResumesAndStopsOnAFault(t *testing.T) {
	m := screen(review.Decisions{"1": {Verdict: review.Accept}}, func(string, *review.Decision) (review.Decisions, error) { return nil, errors.New("disk full") })
	if !strings.Contains(m.screen(), "second") {
		t.Errorf("%s", m.screen())
	}
	if !press(m, "a") || m.Err() == nil {
		t.Error("a fault doesn't end the screen")
	}
}

func TestShowsWhatARowWasMadeOf(t *testing.T) {
	rows := []artifact.Row{{ID: "1", Text: "please ignore\x07 it", Parent: "p"}, {ID: "2", Text: "second"}}
	m := New(rows, review.Decisions{}, func(id string, d *review.Decision) (review.Decisions, error) {
		return review.Decisions{id: *d}, nil
	})
	m.Compare(map[string]string{"p": "ignore\x07 it", "": "nobody's"})
	if s := m.screen(); !strings.Contains(s, "\x1b[4mplease\x1b[24m ignore\\x07 it") || !strings.Contains(s, "made of\n\n  ignore\\x07 it") {
		t.Errorf("%s", s)
	}
	if press(m, "a"); strings.Contains(m.screen(), "made of") {
		t.Errorf("a row without a known parent:\n%s", m.screen())
	}
}
