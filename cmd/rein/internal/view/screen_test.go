package view

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rein/engine"
)

// screen is a terminal as far as the live view uses one, of endless height: lines that are wider than it take several rows,
// also when it is made narrower, as in tmux and most others.
type screen struct {
	width    int
	rows     []row
	x, y     int
	truncate bool // mode 7 is off
}

// row is a row and whether the next one goes on with its line.
type row struct {
	text []rune
	more bool
}

func (s *screen) at(y int) *row {
	for len(s.rows) <= y {
		s.rows = append(s.rows, row{})
	}
	return &s.rows[y]
}

func (s *screen) Write(p []byte) (int, error) {
	text := []rune(string(p))
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\x1b':
			end := i + 2
			for end < len(text) && !(text[end] >= '@' && text[end] <= '~') {
				end++
			}
			s.sequence(string(text[i+2:end]), text[end])
			i = end
		case c == '\r':
			s.x = 0
		case c == '\n':
			s.at(s.y).more = s.at(s.y).more && s.x > s.width
			s.x, s.y = 0, s.y+1
			s.at(s.y)
		default:
			s.put(c)
		}
	}
	return len(p), nil
}

func (s *screen) put(c rune) {
	if s.x == s.width {
		if s.truncate {
			s.x--
		} else {
			s.at(s.y).more = true
			s.x, s.y = 0, s.y+1
		}
	}
	r := s.at(s.y)
	for len(r.text) <= s.x {
		r.text = append(r.text, ' ')
	}
	r.text[s.x] = c
	s.x++
}

func (s *screen) sequence(arguments string, final rune) {
	switch final {
	case 'A':
		n, _ := strconv.Atoi(arguments)
		s.y = max(s.y-n, 0)
	case 'K':
		r := s.at(s.y)
		r.text, r.more = r.text[:min(s.x, len(r.text))], false
	case 'J':
		r := s.at(s.y)
		r.text, r.more = r.text[:min(s.x, len(r.text))], false
		s.rows = s.rows[:s.y+1]
	case 'h', 'l':
		if arguments == "?7" {
			s.truncate = final == 'l'
		}
	}
}

// resize wraps every line again. The cursor stays before the same character.
func (s *screen) resize(width int) {
	var lines [][]rune
	var line []rune
	at, off := 0, 0
	for y, r := range s.rows {
		if y == s.y {
			at, off = len(lines), len(line)+s.x
		}
		if line = append(line, r.text...); !r.more {
			lines, line = append(lines, line), nil
		}
	}
	s.width, s.rows = width, nil
	for i, l := range lines {
		if i == at {
			s.y, s.x = len(s.rows)+off/width, off%width
		}
		for len(l) > width {
			s.rows = append(s.rows, row{l[:width:width], true})
			l = l[width:]
		}
		s.rows = append(s.rows, row{text: l})
	}
}

func (s *screen) String() string {
	var b strings.Builder
	for _, r := range s.rows {
		b.WriteString(string(r.text))
		if !r.more {
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// However a terminal is resized in the middle of a run, and however late it tells, nothing of a frame is left over, and no line
// that was to stay goes. (As long as the late frames have the rows of the one that was resized.)
func TestResizeLeavesNothingOver(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(1000, 0)
		told := rapid.IntRange(30, 150).Draw(t, "width")
		s := &screen{width: told}
		v := newTTY(s, true, func() (int, int) { return told, 1000 }, func() time.Time { return now })
		v.Slots(2)
		event := func(pipeline, step string, e engine.Event) {
			e.Time, e.Pipeline, e.Step = now, pipeline, step
			v.Event(e)
		}
		v.Event(engine.Event{Time: now, Action: engine.ActionPlan, Total: 20})
		for _, p := range []string{"aggressive", "conservative", "hybrid"} {
			event(p, "false_positives_of_the_baseline", engine.Event{Action: engine.ActionStart})
		}
		now = now.Add(130 * time.Minute) // "2 h 10 min": as wide in the next frame
		done := int64(8e5)
		progress := func() { // never back: that is a new phase, whose line is shorter while it has no rate
			done += rapid.Int64Range(0, 4e3).Draw(t, "done")
			event("hybrid", "false_positives_of_the_baseline", engine.Event{Action: engine.ActionProgress, Done: done, Unit: "rows"})
		}
		progress()
		ended := 0
		for range rapid.IntRange(1, 12).Draw(t, "moves") {
			switch rapid.SampledFrom([]string{"draw", "resize", "end", "progress"}).Draw(t, "move") {
			case "draw":
				v.draw()
			case "progress":
				progress()
				v.draw()
			case "end":
				ended++
				event("hybrid", "e"+strconv.Itoa(ended), engine.Event{Action: engine.ActionStart})
				event("hybrid", "e"+strconv.Itoa(ended), engine.Event{Action: engine.ActionEnd, Status: engine.StatusRan})
				v.draw()
			case "resize":
				width := rapid.IntRange(30, 150).Draw(t, "width")
				v.draw()
				s.resize(width)
				for range rapid.IntRange(0, 3).Draw(t, "late") { // frames for a width that is gone
					progress()
					v.draw()
				}
				told = width
				v.draw()
			}
		}
		v.Event(engine.Event{Time: now, Action: engine.ActionDone})
		got := s.String()
		if n := strings.Count(got, "slots busy") + strings.Count(got, "false_positives"); n > 0 {
			t.Fatalf("a frame is left over:\n%s", got)
		}
		if n := strings.Count(got, " ran in 0 ms\n"); n != ended || strings.Count(got, "\n") > 3*ended+3 {
			t.Fatalf("%d of %d lines that were to stay are there:\n%s", n, ended, got)
		}
	})
}
