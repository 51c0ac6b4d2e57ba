package reviewui

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"rein/steps/review"
)

func TestKeys(t *testing.T) {
	for sent, want := range map[string][]string{
		"ar ü":                          {"a", "r", "space", "ü"},
		"\x1b[A\x1b[B\x1bOC\x1bOD":      {"up", "down", "right", "left"},
		"\r\n\x7f\b\x03\x1a\x00":        {"enter", "enter", "backspace", "backspace", "ctrl+c"},
		"\x1b[1;5Aa\x1b[5~\x1b[200b":    {"a"}, // with another key, page up, the beginning of nothing known
		"\x1bab\x1b\x1b[A":              {"b", "esc", "up"},
		"x\x1b[200~a\x1b[Aq\x1b[201~y":  {"x", "y"},
		"\x1bOPa\x1b[15~l\x1b[<0;1;1Mr": {"a", "l", "r"},
	} {
		for size := range len(sent) { // in pieces of each size
			var k keys
			var got []string
			for piece := range slices.Chunk([]byte(sent), size+1) {
				for _, one := range k.press(piece) {
					got = append(got, one.name)
				}
			}
			if !slices.Equal(got, want) || len(k.rest) > 0 {
				t.Errorf("%q in pieces of %d: %q, want %q; %q is left", sent, size+1, got, want, k.rest)
			}
		}
	}
}

// An escape character alone is a key if nothing follows. What is left of another sequence is none.
func TestLoneEscape(t *testing.T) {
	for sent, want := range map[string]string{"\x1b": "esc", "\x1b[": "", "\x1b[1;": "", "\xc3": ""} {
		var k keys
		if got := append(k.press([]byte(sent)), key{}); got[0].name != "" {
			t.Errorf("%q is %q at once", sent, got[0].name)
		}
		if got := append(k.pause(), key{}); got[0].name != want || len(k.rest) > 0 {
			t.Errorf("%q is %q, want %q; %q is left", sent, got[0].name, want, k.rest)
		}
	}
	var k keys
	k.press([]byte("\x1b[200~half of"))
	if k.pause(); len(k.press([]byte("a text\x1b[201~"))) != 0 {
		t.Error("the rest of a pasted text is taken for keys")
	}
}

// shown runs a screen of 10 lines on what is typed, and returns what it draws.
func shown(t *testing.T, m *Model, in io.Reader) string {
	t.Helper()
	var out bytes.Buffer
	if err := m.show(t.Context(), in, &out, nil, func() (int, int) { return 60, 10 }); err != nil {
		t.Fatal(err)
	}
	if s := out.String(); !strings.HasPrefix(s, enter) || !strings.HasSuffix(s, leave) {
		t.Errorf("the terminal isn't as before: %q", s)
	}
	return out.String()
}

func TestShow(t *testing.T) {
	d := review.Decisions{}
	m := screen(d, func(review.Decisions) error { return nil })
	frames := strings.Split(shown(t, m, strings.NewReader("anbad one\rrq")), "\x1b[H")
	if len(frames) < 2 || !strings.Contains(frames[1], "0 of 3 decided\x1b[K\r\n") || m.width != 60 {
		t.Errorf("%q", frames)
	}
	if len(d) != 2 || d["1"].Verdict != review.Accept || d["2"].Verdict != review.Reject || d["2"].Note != "bad one" {
		t.Errorf("%v", d)
	}
	if shown(t, m, strings.NewReader("r")); len(d) != 3 { // the end of the input ends the screen
		t.Errorf("%v", d)
	}
}

// A text that is longer than the screen is cut: a terminal would scroll, and the next frame stand elsewhere.
func TestFrameFitsTheScreen(t *testing.T) {
	if got := frame("a\nb\nc\nd\n", 3); strings.Count(got, "\r\n") != 2 || strings.Contains(got, "d") {
		t.Errorf("%q", got)
	}
}

func TestShowEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	in, typing := io.Pipe()
	defer typing.Close()
	m := screen(review.Decisions{}, func(review.Decisions) error { cancel(); return nil })
	go func() { _, _ = typing.Write([]byte("a")) }()
	if err := m.show(ctx, in, io.Discard, nil, func() (int, int) { return 60, 10 }); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
