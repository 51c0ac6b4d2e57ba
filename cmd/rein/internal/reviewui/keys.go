package reviewui

import (
	"bytes"
	"unicode/utf8"
)

// key is a key that was pressed: its name, and the text that it types.
type key struct{ name, text string }

// keys finds the keys in what a terminal sends, which may come in any pieces.
type keys struct{ rest []byte }

// press takes in some bytes and returns the keys that are complete. Keys without a meaning here, and pasted text, are left out.
func (k *keys) press(b []byte) (out []key) {
	k.rest = append(k.rest, b...)
	for len(k.rest) > 0 {
		next, n := first(k.rest)
		if n == 0 {
			break
		}
		if k.rest = k.rest[n:]; next.name != "" {
			out = append(out, next)
		}
	}
	return out
}

// pause is called when nothing has followed for a while: a lone escape character is the escape key, not the beginning of another one.
func (k *keys) pause() (out []key) {
	if string(k.rest) == "\x1b" {
		out = []key{{name: "esc"}}
	}
	if !bytes.HasPrefix(k.rest, []byte(beginPaste)) {
		k.rest = nil
	}
	return out
}

const beginPaste, endPaste = "\x1b[200~", "\x1b[201~"

// first returns the first key and how many bytes it has; 0 if more have to follow.
func first(b []byte) (key, int) {
	switch c := b[0]; {
	case c == 0x1b:
		return escaped(b)
	case c == '\r' || c == '\n':
		return key{name: "enter"}, 1
	case c == 0x7f || c == '\b':
		return key{name: "backspace"}, 1
	case c == 3:
		return key{name: "ctrl+c"}, 1
	case c == ' ':
		return key{"space", " "}, 1
	case c < ' ':
		return key{}, 1
	case !utf8.FullRune(b):
		return key{}, 0
	}
	r, n := utf8.DecodeRune(b)
	return key{string(r), string(r)}, n
}

var arrows = map[byte]string{'A': "up", 'B': "down", 'C': "right", 'D': "left"}

// escaped is first for what begins with an escape character.
func escaped(b []byte) (key, int) {
	switch {
	case len(b) == 1:
		return key{}, 0
	case b[1] == 0x1b:
		return key{name: "esc"}, 1
	case bytes.HasPrefix(b, []byte(beginPaste)):
		if end := bytes.Index(b, []byte(endPaste)); end >= 0 {
			return key{}, end + len(endPaste)
		}
		return key{}, 0
	case b[1] == 'O' && len(b) > 2:
		return key{name: arrows[b[2]]}, 3
	case b[1] == '[':
		for i, c := range b[2:] {
			if c < 0x40 || c > 0x7e {
				continue
			}
			if i > 0 { // with another key held down, or none of the arrows
				return key{}, i + 3
			}
			return key{name: arrows[c]}, 3
		}
		return key{}, 0
	case b[1] == 'O' || !utf8.FullRune(b[1:]):
		return key{}, 0
	}
	_, n := utf8.DecodeRune(b[1:])
	return key{}, 1 + n
}
