package human

// Palette colours words by their meaning. It uses only the 16 terminal colours, so light and dark themes both work.
type Palette struct{ on bool }

// NewPalette returns a palette that colours text or, if on is false, leaves it as it is.
func NewPalette(on bool) Palette { return Palette{on} }

func (p Palette) sgr(code, s string) string {
	if !p.on || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

// Bold is a heading.
func (p Palette) Bold(s string) string { return p.sgr("1", s) }

// Dim is what can be passed over.
func (p Palette) Dim(s string) string { return p.sgr("2", s) }

// Warn is a warning.
func (p Palette) Warn(s string) string { return p.sgr("33", s) }

// Bad is a failure.
func (p Palette) Bad(s string) string { return p.sgr("31", s) }
