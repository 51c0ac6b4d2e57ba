package reviewui

import (
	"context"
	"io"
	"os"
	"os/signal"
	"strings"
	"time"

	"golang.org/x/term"
)

// Terminal is where keys come from.
type Terminal interface {
	io.Reader
	Fd() uintptr
}

// Run shows the screen on out until the person ends it with a key of in, or ctx ends it. It returns an error if the terminal can't be used.
func (m *Model) Run(ctx context.Context, in Terminal, out io.Writer) error {
	fd := int(in.Fd())
	before, err := term.MakeRaw(fd)
	if err != nil {
		return err
	}
	defer func() { _ = term.Restore(fd, before) }() // nothing else can be done for it
	resized := make(chan os.Signal, 1)
	notifyResized(resized)
	defer signal.Stop(resized)
	return m.show(ctx, in, out, resized, func() (int, int) {
		for _, stream := range []any{out, in} {
			if f, ok := stream.(interface{ Fd() uintptr }); ok {
				if width, height, err := term.GetSize(int(f.Fd())); err == nil && width > 0 && height > 0 {
					return width, height
				}
			}
		}
		return 80, 24
	})
}

// A terminal's second screen, without a cursor, with lines cut at its edge, and with pasted text marked as such; and back.
const (
	enter = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[?2004h"
	leave = "\x1b[?2004l\x1b[?7h\x1b[?25h\x1b[?1049l"
)

// escapeWait is how long the rest of a key may take after its escape character.
const escapeWait = 50 * time.Millisecond

// show draws the screen and acts on keys.
func (m *Model) show(ctx context.Context, in io.Reader, out io.Writer, resized <-chan os.Signal, size func() (width, height int)) error {
	if _, err := io.WriteString(out, enter); err != nil {
		return err
	}
	defer func() { _, _ = io.WriteString(out, leave) }()
	typed, ended := make(chan []byte), make(chan struct{})
	defer close(ended)
	go read(in, typed, ended)
	var k keys
	for {
		width, height := size()
		m.width = width
		if _, err := io.WriteString(out, frame(m.screen(), height)); err != nil {
			return err
		}
		var pressed []key
		var late <-chan time.Time
		if len(k.rest) > 0 {
			late = time.After(escapeWait)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-resized:
		case <-late:
			pressed = k.pause()
		case b, ok := <-typed:
			if !ok {
				return nil
			}
			pressed = k.press(b)
		}
		for _, one := range pressed {
			if m.press(one) {
				return nil
			}
		}
	}
}

// read passes on what is typed until the input or the screen ends. After the screen's end it still waits for one more key: a terminal's
// Read can't be interrupted.
func read(in io.Reader, typed chan<- []byte, ended <-chan struct{}) {
	defer close(typed)
	for {
		b := make([]byte, 256)
		n, err := in.Read(b)
		if n > 0 {
			select {
			case typed <- b[:n]:
			case <-ended:
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// frame draws a text over the screen's last content, as far as the screen has lines.
func frame(text string, height int) string {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	return "\x1b[H" + strings.Join(lines[:min(len(lines), height)], "\x1b[K\r\n") + "\x1b[K\x1b[J"
}
