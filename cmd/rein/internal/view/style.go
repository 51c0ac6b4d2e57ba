package view

import (
	"math"
	"strings"
)

// Sparkline draws at most width values as block characters, the newest last. A value that isn't finite is a "?".
func Sparkline(v []float64, width int) string {
	v = v[max(len(v)-max(width, 0), 0):]
	low, high := math.Inf(1), math.Inf(-1)
	for _, x := range v {
		if finite(x) {
			low, high = min(low, x), max(high, x)
		}
	}
	blocks := []rune("▁▂▃▄▅▆▇█")
	var b strings.Builder
	for _, x := range v {
		switch {
		case !finite(x):
			b.WriteByte('?')
		case high > low:
			b.WriteRune(blocks[int((x-low)/(high-low)*float64(len(blocks)-1))])
		default:
			b.WriteRune(blocks[0])
		}
	}
	return b.String()
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

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
