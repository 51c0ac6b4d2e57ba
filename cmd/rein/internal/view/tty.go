package view

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/mattn/go-runewidth"
	"golang.org/x/term"

	"rein/engine"
)

// redraw is the time between two frames of the live view.
const redraw = 100 * time.Millisecond

// TTY is the live view: finished steps scroll by, running ones are redrawn in place below them.
type TTY struct {
	w     io.Writer
	paint palette
	size  func() (width, height int)
	now   func() time.Time

	mu    sync.Mutex
	trace *trace
	lines int // of the frame on the screen
	stop  chan struct{}
	done  sync.WaitGroup
}

// NewTTY makes a live view on the terminal w and starts redrawing it until Close.
func NewTTY(w io.Writer, color bool) *TTY {
	t := &TTY{w: w, paint: newPalette(color), size: terminalSize(w), now: time.Now, trace: newTrace(), stop: make(chan struct{})}
	t.done.Go(func() {
		tick := time.NewTicker(redraw)
		defer tick.Stop()
		for {
			select {
			case <-t.stop:
				return
			case <-tick.C:
				t.mu.Lock()
				t.draw("")
				t.mu.Unlock()
			}
		}
	})
	return t
}

func terminalSize(w io.Writer) func() (int, int) {
	f, ok := w.(*os.File)
	return func() (int, int) {
		if ok {
			if width, height, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
				return width, height
			}
		}
		return 80, 24
	}
}

// Event implements View.
func (t *TTY) Event(e engine.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.trace.add(e)
	switch {
	case e.Action == engine.ActionDone:
		t.draw(t.paint.bold(summary(t.trace)) + "\n")
	case s == nil:
	case e.Action == engine.ActionNote:
		t.draw(fmt.Sprintf("%s %s\n", t.paint.warn(label(s)+": note:"), e.Text))
	case e.Action == engine.ActionEnd:
		if text := t.ended(s); text != "" {
			t.draw(text)
		}
	}
}

// Close implements View.
func (t *TTY) Close() {
	close(t.stop)
	t.done.Wait()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.clear()
}

func label(s *step) string { return s.pipeline + "/" + s.name }

// ended is what stays on the screen of a step that ended.
func (t *TTY) ended(s *step) string {
	switch s.status {
	case engine.StatusRan:
		return fmt.Sprintf("%s ran in %s%s\n", label(s), Duration(s.elapsed), t.paint.dim(t.curve(s)))
	case engine.StatusFailed, engine.StatusVerdict, engine.StatusStopped:
		text := fmt.Sprintf("%s %s\n", t.paint.bad(label(s)+" "+string(s.status)+":"), s.text)
		if s.status == engine.StatusFailed {
			for _, l := range s.logs {
				text += t.paint.dim("  | "+l) + "\n"
			}
		}
		return text
	case engine.StatusSkipped:
		return t.paint.dim(label(s)+" skipped"+because(s.reasons)) + "\n"
	}
	return ""
}

// clear removes the frame from the screen.
func (t *TTY) clear() {
	if t.lines > 0 {
		fmt.Fprintf(t.w, "\x1b[%dA\r\x1b[J", t.lines)
		t.lines = 0
	}
}

// draw writes text above a fresh frame, in one write, so that nothing flickers.
func (t *TTY) draw(text string) {
	var b strings.Builder
	if t.lines > 0 {
		fmt.Fprintf(&b, "\x1b[%dA\r", t.lines)
	}
	if text != "" {
		b.WriteString("\x1b[J" + text)
	}
	frame := t.frame()
	for _, l := range frame {
		b.WriteString(l + "\x1b[K\n")
	}
	b.WriteString("\x1b[J")
	t.lines = len(frame)
	io.WriteString(t.w, b.String())
}

// frame is the live part: a line for each running step and one for the whole.
func (t *TTY) frame() []string {
	if t.trace.done != nil || t.trace.started.IsZero() {
		return nil
	}
	width, height := t.size()
	now := t.now()
	var lines []string
	ended := 0
	for _, s := range t.trace.steps {
		switch {
		case s.status != "":
			ended++
		case s.waiting:
			lines = append(lines, clip(fmt.Sprintf("%s waits: %s", label(s), s.text), width))
		case !s.started.IsZero():
			lines = append(lines, t.running(s, now, width))
		}
	}
	if limit := max(height-2, 1); len(lines) > limit {
		more := len(lines) - limit + 1
		lines = append(lines[:limit-1], fmt.Sprintf("and %d more", more))
	}
	whole := fmt.Sprintf("%d of %d steps done, %d cached, %s", ended, max(t.trace.total, ended),
		t.trace.counts[engine.StatusCached]+t.trace.counts[engine.StatusUnchanged], Duration(now.Sub(t.trace.started)))
	return append(lines, t.paint.bold(clip(whole, width)))
}

// running is one running step: name, bar, rate, time left, loss so far.
func (t *TTY) running(s *step, now time.Time, width int) string {
	text := fmt.Sprintf("%s %s", label(s), Duration(now.Sub(s.started)))
	if s.done > 0 {
		text += " " + bar(s) + " " + progressText(s, now)
	}
	return clip(text+t.curve(s), width)
}

const barWidth = 16

func bar(s *step) string {
	if s.total <= 0 {
		return ""
	}
	full := int(min(s.done, s.total) * barWidth / s.total)
	return "[" + strings.Repeat("#", full) + strings.Repeat(".", barWidth-full) + "]"
}

// curve draws the first series that is a loss as a sparkline.
func (t *TTY) curve(s *step) string {
	for name, v := range s.series {
		if strings.HasSuffix(name, "loss") && strings.HasPrefix(name, "train") && len(v) > 1 {
			return fmt.Sprintf("  loss %s %.3f", Sparkline(v, 12), v[len(v)-1])
		}
	}
	return ""
}

// clip cuts a line at the terminal's width; a wrapped line would break the frame.
func clip(s string, width int) string {
	return runewidth.Truncate(s, max(width-1, 1), "...")
}
