package view

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mattn/go-runewidth"
	"golang.org/x/term"

	"rein/engine"
	"rein/pipelines/human"
)

// redraw is the time between two frames of the live view.
const redraw = 100 * time.Millisecond

// TTY is the live view: finished steps scroll by, running ones are redrawn in place below them.
type TTY struct {
	w     io.Writer
	paint human.Palette
	size  func() (width, height int)
	now   func() time.Time

	mu       sync.Mutex
	trace    *trace
	slots    int
	expected *expected // nil: there was no plan
	born     time.Time
	pending  []string // lines to write above the frame at the next redraw
	drawn    []string // the frame on the screen
	width    int      // width of the terminal when the frame was drawn
	last     *step    // that the last line is about
	told     bool     // the end is written
	stop     chan struct{}
	done     sync.WaitGroup
}

// NewTTY makes a live view on the terminal w and starts redrawing it until Close.
func NewTTY(w io.Writer, color bool) *TTY {
	t := newTTY(w, color, terminalSize(w), time.Now)
	t.done.Go(func() {
		tick := time.NewTicker(redraw)
		defer tick.Stop()
		for {
			select {
			case <-t.stop:
				return
			case <-tick.C:
				t.mu.Lock()
				t.draw()
				t.mu.Unlock()
			}
		}
	})
	return t
}

func newTTY(w io.Writer, color bool, size func() (int, int), now func() time.Time) *TTY {
	return &TTY{w: w, paint: human.NewPalette(color), size: size, now: now, born: now(), trace: newTrace(), stop: make(chan struct{})}
}

// Slots sets how many steps may run at a time, for the summary line.
func (t *TTY) Slots(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.slots = n
}

func terminalSize(w io.Writer) func() (int, int) {
	f, ok := w.(interface{ Fd() uintptr })
	return func() (int, int) {
		if ok {
			if width, height, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
				return width, height
			}
		}
		return 80, 24
	}
}

// Event implements View. It only takes in the event; the screen changes at the next redraw.
func (t *TTY) Event(e engine.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.trace.add(e)
	switch {
	case e.Action == engine.ActionDone:
		t.tell()
		t.draw()
	case s == nil && e.Action == engine.ActionNote:
		t.print(t.paint.Warn, "note: "+e.Text)
	case s == nil:
	case e.Action == engine.ActionNote:
		t.say(s, t.paint.Warn, "note:", s.note())
	case e.Action == engine.ActionEnd:
		t.ended(s)
	}
}

// Close implements View: the frame disappears, the lines above it stay.
func (t *TTY) Close() {
	close(t.stop)
	t.done.Wait()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tell()
	t.flush(nil)
}

// Aside removes the frame from the screen while f uses the terminal to ask something.
func (t *TTY) Aside(f func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.flush(nil)
	f()
}

func label(s *step) string { return s.pipeline + "/" + s.name }

// say queues a line about a step: its name, a coloured word, and a text that is wrapped beside the name.
func (t *TTY) say(s *step, paint func(string) string, word, text string) {
	t.last = s
	width, _ := t.size()
	column := t.column(width - 1)
	lines := human.Wrap(strings.TrimRight(word+" "+text, " "), max(width-1-column-2, 1), "")
	if column+2 > width/2 { // the text's column would be too narrow
		column = 0
		lines = human.Wrap(strings.TrimRight(label(s)+"  "+word+" "+text, " "), max(width-1, 1), "  ")
	}
	for i, l := range lines {
		name := ""
		if i == 0 {
			name = shorten(s.pipeline, s.name, column)
			l = strings.Replace(l, word, paint(word), 1)
		}
		if column > 0 {
			l = pad(name, column) + "  " + l
		}
		t.pending = append(t.pending, l)
	}
}

// print queues a wrapped line that isn't about a step.
func (t *TTY) print(paint func(string) string, text string) {
	t.last = nil
	width, _ := t.size()
	for _, l := range human.Wrap(strings.TrimRight(text, " "), max(width-1, 1), "  ") {
		t.pending = append(t.pending, paint(l))
	}
}

// ended queues the line of a step that ended. Skipped steps, and the logs of failed ones, come at the end of the run.
func (t *TTY) ended(s *step) {
	none := func(s string) string { return s }
	switch s.status {
	case engine.StatusRan:
		text := "in " + human.Duration(s.elapsed)
		if c := curve(s, 12); c != "" {
			text += "  " + c
		}
		t.say(s, none, "ran", text)
	case engine.StatusFailed, engine.StatusVerdict:
		if !s.twin() {
			first, _, _ := strings.Cut(s.text, "\n")
			t.say(s, t.paint.Bad, string(s.status)+":", first)
		}
	case engine.StatusStopped:
		t.say(s, t.paint.Warn, "stopped", oneLine(s.text))
	}
}

// tell queues the end of the run, once: skipped steps, the summary line, and last, where the reader looks, the failed steps with the ends
// of their logs.
func (t *TTY) tell() {
	if t.told || t.trace.started.IsZero() {
		return
	}
	t.told = true
	last := t.last
	for _, l := range t.trace.skips() {
		t.print(t.paint.Dim, l)
		last = nil
	}
	if t.trace.done != nil {
		t.print(t.paint.Bold, summary(t.trace))
	}
	for _, account := range t.trace.accounts(last) {
		t.print(t.paint.Bad, account[0])
		for _, l := range account[1:] {
			t.print(t.paint.Dim, l)
		}
	}
}

func (t *TTY) draw() { t.flush(t.frame()) }

// flush writes the queued lines and a new frame over the old one, in one call and, if the terminal supports it, as one change of the screen
// (mode 2026). Lines are overwritten and then cleared to their ends, so nothing flickers.
func (t *TTY) flush(frame []string) {
	width, height := t.size()
	if len(t.pending) == 0 && width == t.width && slices.Equal(frame, t.drawn) {
		return
	}
	var b strings.Builder
	b.WriteString("\x1b[?2026h")
	if up := min(rows(t.drawn, width), max(height-1, 1)); up > 0 {
		fmt.Fprintf(&b, "\x1b[%dA\r", up)
	}
	if width != t.width && t.width > 0 {
		b.WriteString("\x1b[J")
	}
	write := func(lines []string) {
		for _, l := range lines {
			b.WriteString(l + "\x1b[K\n")
		}
	}
	write(t.pending)
	b.WriteString("\x1b[?7l") // tmux reports a new width late: a line that is too long must not take two rows
	write(frame)
	b.WriteString("\x1b[?7h\x1b[J\x1b[?2026l")
	t.pending, t.drawn, t.width = nil, frame, width
	io.WriteString(t.w, b.String())
}

// rows is how many rows lines take on a terminal of this width. After it became narrower, they wrap.
func rows(lines []string, width int) int {
	n := 0
	for _, l := range lines {
		n += 1 + max(runewidth.StringWidth(uncolour(l))-1, 0)/max(width, 1)
	}
	return n
}
