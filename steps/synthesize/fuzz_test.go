package synthesize

import (
	"strings"
	"testing"
	"testing/fstest"

	"rein/steps/internal/text"
)

// A grammar must be refused, or texts can be written from it. There must be no panic and no endless loop.
func FuzzGrammar(f *testing.F) {
	for _, s := range []string{"", "[a]\nx <b|c|> {d}\n\n[d]\nif (x < 3) {\n", "[a]\n{a}\n", "[a]\n<{b}|x>\n[b]\n{a}\n", "[a]\n{", "[a]\n<", "[a]\n{b64} {rot}\n", "# c\n[a]\n{}<>|"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		g, err := readGrammar(fstest.MapFS{"grammar/a.txt": {Data: []byte(s)}})
		if err != nil {
			return
		}
		for name, l := range g {
			var b strings.Builder
			// Lists that refer to one another twice over grow exponentially: only small ones are written from.
			if strings.Count(s, "{") < 8 {
				l.write(&b, text.RNG(1, name))
			}
		}
	})
}
