package lang

import (
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// sound are fragments of files in which a line that looks like the end of a block is one.
var sound = []string{
	"step \"exec\" \"a\" {\n  command = [\"true\", 1, null]\n}\n",
	"step \"a\" \"b\" {\n  assert {\n    condition = 1 < 2\n  }\n}\n",
	"locals {\n  a = <<END\n${1 + 1} text\nEND\n}\n",
	"locals {\n  a = <<-END\n    x %{ if true }\n  } %{ endif }\n    END\n  b = 2\n}\n",
	"locals {\n  é = \"e\u0301 \U0001F468\u200D\U0001F469\" # ü\n}\n",
	"# }\n// {\n/* a\n b */\n", "locals {}\n", "\n", "\t\n", "locals { a = 1 }\n", "a {\n b {\n}\n}\n",
}

// tricky are fragments with lines that only look so, and such as make a file broken, alone or with others.
var tricky = []string{
	"locals {\n  a = {\n    b = [1, 2]\n}\n}\n",
	"locals {\n  a = <<END\ntext\n}\n\nEND\n}\n",
	"locals {\n  a = <<-END\n    x\n}\nstep {\n    END\n  b = 2\n}\n",
	"locals {\n  a = <<END\n%{ if true }\n}\n%{ endif }\nEND\n}\n",
	"locals {\n  a = \"${ {\n b = 1\n}\n.b }\"\n}\n",
	"/* a comment\n}\nlocals {\n*/\n", "/*\n}\n", "*/\n",
	"locals {\n  a = (\n1\n+\n2)\n}\n", "locals {\n  a = [\n{\n}\n,\n2]\n}\n",
	"locals {\r\n  a = 1\r\n}\r\n", "one = 1\n", "two = [\n]\n", "two = 2\n", "\ufefflocals {\n}\n", "\r", "\xff\n",
	"}\n", "{\n", "\"\n", "x", "locals {\n  a = <<END\n}\n", "END\n", "a = step.b[*].c\n", "a b {\n", "locals {\n  a = 1 }\n",
}

func randomFile(r *rand.Rand) string {
	var b strings.Builder
	if r.IntN(8) == 0 {
		b.WriteString("\ufeff")
	}
	tricks := r.IntN(3)
	for range 1 + r.IntN(8) {
		if tricks > 0 && r.IntN(4) == 0 {
			b.WriteString(tricky[r.IntN(len(tricky))])
		} else {
			b.WriteString(sound[r.IntN(len(sound))])
		}
	}
	switch text := b.String(); r.IntN(8) {
	case 0:
		return strings.TrimSuffix(text, "\n")
	case 1:
		return strings.ReplaceAll(text, "\n", "\r\n")
	default:
		return text
	}
}

// sameInPieces parses a text in pieces and as a whole. It tells whether pieces were possible.
func sameInPieces(t *testing.T, text []byte, size int) bool {
	t.Helper()
	got := parsePieces("a.hcl", text, size)
	if got == nil {
		return false
	}
	want, diags := hclsyntax.ParseConfig(text, "a.hcl", hcl.InitialPos)
	if len(diags) > 0 {
		t.Fatalf("the pieces of %q have no mistake, but the whole has: %v", text, diags)
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("the pieces of %q make another file than the whole", text)
	}
	return true
}

func TestPiecesMakeTheWhole(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	files, inPieces := 20000, 0
	for range files {
		if sameInPieces(t, []byte(randomFile(r)), r.IntN(40)) {
			inPieces++
		}
	}
	if inPieces < files/5 || inPieces > files*4/5 {
		t.Errorf("%d of %d files were parsed in pieces, which tests too little", inPieces, files)
	}
}

func TestLargeFilesAreParsedInPieces(t *testing.T) {
	text := []byte(manySteps(500))
	if n := len(cutFile(text, pieceSize)); n < 10 {
		t.Errorf("%d bytes are cut in %d pieces", len(text), n)
	}
	if !sameInPieces(t, text, pieceSize) {
		t.Error("a file without mistakes wasn't parsed in pieces")
	}
	if sameInPieces(t, append(text, "step {\n"...), pieceSize) {
		t.Error("a file with a mistake was parsed in pieces")
	}
}

// The cost of a byte doesn't grow with the file: what the check of its depth counts is counted piece by piece.
func TestCostOfLargeFiles(t *testing.T) {
	cost := func(text string) float64 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, diags := parse("a.hcl", []byte(text)); diags.HasErrors() {
			t.Fatal(diags)
		}
		runtime.ReadMemStats(&after)
		return float64(after.TotalAlloc-before.TotalAlloc) / float64(len(text))
	}
	one := "locals {\n  a = [" + strings.Repeat("1 + 1 < 3, ", 100) + "]\n}\n"
	few, many := cost(strings.Repeat(one, 100)), cost(strings.Repeat(one, maxOperators/100)) // each has 200 operators
	if many > 1.2*few {
		t.Errorf("a byte of a small file takes %.0f bytes to parse, one of a large file %.0f", few, many)
	}
}

// FuzzPieces looks for a text whose pieces make another file than the whole.
func FuzzPieces(f *testing.F) {
	seeds(f, func(name string, text []byte) {
		if !isJSON(name) {
			f.Add(text)
		}
	})
	for _, s := range slices.Concat(sound, tricky) {
		f.Add([]byte("a {\n}\n" + s + "b {\n}\n"))
	}
	f.Fuzz(func(t *testing.T, text []byte) { sameInPieces(t, text, 0) })
}
