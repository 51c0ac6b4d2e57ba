package view

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/mattn/go-runewidth"

	"rein/engine"
)

// recordings are event streams of real runs (`rein run --json`), without their metrics and action ids.
var recordings = []string{"two", "broken", "early"}

func recorded(t *testing.T, name string) []engine.Event {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name+".jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []engine.Event
	for sc := bufio.NewScanner(f); sc.Scan(); {
		var e engine.Event
		if err := json.Unmarshal(sc.Bytes(), &e); err != nil {
			t.Fatal(err)
		}
		out = append(out, e)
	}
	return out
}

// golden compares got with a file in testdata; REIN_UPDATE_GOLDEN=1 writes the file instead.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if os.Getenv("REIN_UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs; look at it, then run with REIN_UPDATE_GOLDEN=1 (-want +got):\n%s", path, diff)
	}
}

// replay is what a live view of a width says and shows: the lines that stay, and a frame for each half second.
func replay(events []engine.Event, width int, color bool) string {
	now := events[0].Time
	v := newTTY(&bytes.Buffer{}, color, func() (int, int) { return width, 24 }, func() time.Time { return now })
	v.Slots(2)
	var b strings.Builder
	next := now.Add(time.Second / 2)
	show := func() {
		for _, l := range v.pending {
			fmt.Fprintln(&b, l)
		}
		v.pending = nil
	}
	for _, e := range events {
		for ; e.Time.After(next); next = next.Add(time.Second / 2) {
			now = next
			show()
			fmt.Fprintf(&b, "--- frame at %s\n%s\n---\n", next.Sub(events[0].Time), strings.Join(v.frame(), "\n"))
		}
		now = e.Time
		if e.Action == engine.ActionDone { // Event would flush what show is to see
			v.trace.add(e)
			v.tell()
			continue
		}
		v.Event(e)
	}
	show()
	return b.String()
}

func TestGoldenTTY(t *testing.T) {
	for _, name := range recordings {
		for _, width := range []int{60, 100, 160} {
			for _, color := range []bool{false, true} {
				file := fmt.Sprintf("%s-%d", name, width)
				if color {
					file += "-color"
				}
				t.Run(file, func(t *testing.T) {
					got := replay(recorded(t, name), width, color)
					golden(t, file, got)
					for line := range strings.Lines(uncolour(got)) {
						if w := runewidth.StringWidth(strings.TrimSuffix(line, "\n")); w >= width {
							t.Errorf("%d cells on a terminal of %d: %q", w, width, line)
						}
					}
					if !color && strings.Contains(got, "\x1b") {
						t.Error("an escape sequence without colours")
					}
					if color && uncolour(got) != replay(recorded(t, name), width, false) {
						t.Error("colour says more than the words do")
					}
				})
			}
		}
	}
}

func TestGoldenPlainAndQuiet(t *testing.T) {
	for _, name := range recordings {
		var plain, quiet, encoded bytes.Buffer
		log := newPlain(&plain)
		views := []View{log, NewQuiet(&quiet), NewJSON(&encoded)}
		for _, e := range recorded(t, name) {
			log.tick(e.Time)
			for _, v := range views {
				v.Event(e)
			}
		}
		for _, v := range views {
			v.Close()
		}
		golden(t, name+"-plain", plain.String())
		golden(t, name+"-quiet", quiet.String())
		want, err := os.ReadFile(filepath.Join("testdata", name+".jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(len(strings.Split(string(want), "\n")), len(strings.Split(encoded.String(), "\n"))); diff != "" {
			t.Error("the JSON view writes one line for each event:", diff)
		}
		if strings.ContainsRune(plain.String(), '\x1b') {
			t.Error("an escape sequence in plain output")
		}
	}
}
