package reviewui

import (
	"strings"
	"unicode"
)

// mostCompared is the greatest size of the table for comparing two texts, the product of their numbers of words.
const mostCompared = 4 << 20

// Differing marks the words of two texts that a longest common subsequence of words doesn't have. Texts without a common
// word, or too long for it, have no marks.
func Differing(a, b string) (inA, inB []bool) {
	x, y := strings.Fields(a), strings.Fields(b)
	if len(x)*len(y) > mostCompared {
		return nil, nil
	}
	common := make([][]int32, len(x)+1) // of the ends of x and y that begin there
	for i := range common {
		common[i] = make([]int32, len(y)+1)
	}
	for i := len(x) - 1; i >= 0; i-- {
		for j := len(y) - 1; j >= 0; j-- {
			if x[i] == y[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	if common[0][0] == 0 {
		return nil, nil
	}
	inA, inB = make([]bool, len(x)), make([]bool, len(y))
	i, j := 0, 0
	for i < len(x) && j < len(y) {
		switch {
		case x[i] == y[j]:
			i, j = i+1, j+1
		case common[i+1][j] >= common[i][j+1]:
			inA[i] = true
			i++
		default:
			inB[j] = true
			j++
		}
	}
	for ; i < len(x); i++ {
		inA[i] = true
	}
	for ; j < len(y); j++ {
		inB[j] = true
	}
	return inA, inB
}

// underline underlines the marked words of a text that was wrapped: wrapping adds and drops white space only.
func underline(wrapped, text string, marked []bool) string {
	if marked == nil {
		return wrapped
	}
	const on, off = "\x1b[4m", "\x1b[24m"
	var marks []bool // of each rune that is no white space
	for i, w := range strings.Fields(text) {
		for range w {
			marks = append(marks, marked[i])
		}
	}
	var b strings.Builder
	at, lined := 0, false
	set := func(want bool) {
		if want != lined {
			b.WriteString(map[bool]string{true: on, false: off}[want])
			lined = want
		}
	}
	for _, r := range wrapped {
		if unicode.IsSpace(r) {
			set(false)
		} else {
			set(at < len(marks) && marks[at])
			at++
		}
		b.WriteRune(r)
	}
	set(false)
	return b.String()
}
