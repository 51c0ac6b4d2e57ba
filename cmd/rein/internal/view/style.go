package view

import "strings"

// palette gives words their meaning's colour: the 16 terminal colours only, so that light and dark themes both work.
type palette struct{ on bool }

func newPalette(on bool) palette { return palette{on} }

func (p palette) sgr(code, s string) string {
	if !p.on || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func (p palette) bold(s string) string { return p.sgr("1", s) }
func (p palette) dim(s string) string  { return p.sgr("2", s) }
func (p palette) good(s string) string { return p.sgr("32", s) }
func (p palette) warn(s string) string { return p.sgr("33", s) }
func (p palette) bad(s string) string  { return p.sgr("31", s) }

// Sparkline draws at most width values as block characters, the newest last.
func Sparkline(v []float64, width int) string {
	if len(v) > width {
		v = v[len(v)-width:]
	}
	if len(v) == 0 {
		return ""
	}
	low, high := v[0], v[0]
	for _, x := range v {
		low, high = min(low, x), max(high, x)
	}
	blocks := []rune("▁▂▃▄▅▆▇█")
	var b strings.Builder
	for _, x := range v {
		i := 0
		if high > low {
			i = int((x - low) / (high - low) * float64(len(blocks)-1))
		}
		b.WriteRune(blocks[i])
	}
	return b.String()
}

// uncolour is s without the colours of a palette.
func uncolour(s string) string {
	for {
		i := strings.Index(s, "\x1b[")
		if i < 0 {
			return s
		}
		j := strings.IndexByte(s[i:], 'm')
		if j < 0 {
			return s
		}
		s = s[:i] + s[i+j+1:]
	}
}
