package text

import (
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/abadojack/whatlanggo"
	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write trigrams/languages.txt")

// told are the languages that trigrams tell apart. With more of them, short English prompts would be taken for other languages. A language
// that isn't in the list gets the name of a similar one, or none. A script that only one of them uses needs no trigrams.
var told = map[whatlanggo.Lang]bool{
	whatlanggo.Eng: true, whatlanggo.Spa: true, whatlanggo.Por: true, whatlanggo.Fra: true, whatlanggo.Deu: true, whatlanggo.Ita: true, whatlanggo.Nld: true,
	whatlanggo.Pol: true, whatlanggo.Tur: true, whatlanggo.Ron: true, whatlanggo.Ces: true, whatlanggo.Swe: true, whatlanggo.Dan: true, whatlanggo.Nob: true,
	whatlanggo.Fin: true, whatlanggo.Hun: true, whatlanggo.Vie: true, whatlanggo.Ind: true, whatlanggo.Rus: true, whatlanggo.Ukr: true, whatlanggo.Bul: true,
	whatlanggo.Arb: true, whatlanggo.Pes: true, whatlanggo.Hin: true, whatlanggo.Heb: true,
}

// The trigrams are whatlanggo's, which doesn't export them: they are read from its source.
func TestTrigramsAreCurrent(t *testing.T) {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/abadojack/whatlanggo").Output()
	if err != nil {
		t.Fatal(err)
	}
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(strings.TrimSpace(string(dir)), "lang.go"), nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	for _, script := range []string{"Latin", "Cyrillic", "Arabic"} {
		ast.Inspect(file, func(n ast.Node) bool {
			v, ok := n.(*ast.ValueSpec)
			if !ok || v.Names[0].Name != strings.ToLower(script)+"Langs" {
				return true
			}
			for _, e := range v.Values[0].(*ast.CompositeLit).Elts {
				lang := e.(*ast.KeyValueExpr)
				code := whatlanggo.CodeToLang(strings.ToLower(lang.Key.(*ast.Ident).Name))
				if !told[code] {
					continue
				}
				want.WriteString(code.String() + "\t" + script + "\t")
				for _, trigram := range lang.Value.(*ast.CompositeLit).Elts {
					s, err := strconv.Unquote(trigram.(*ast.BasicLit).Value)
					if err != nil || len([]rune(s)) != 3 {
						t.Fatalf("%q, %v", s, err)
					}
					want.WriteString(s)
				}
				want.WriteByte('\n')
			}
			return false
		})
	}
	if *update {
		if err := os.WriteFile("trigrams/languages.txt", []byte(want.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if want.String() != languagesFile {
		t.Error("trigrams/languages.txt isn't current: go test ./steps/internal/text -run Trigrams -update")
	}
}

// byWhatlanggo is what whatlanggo says of a text.
func byWhatlanggo(text string) string {
	i := whatlanggo.DetectWithOptions(LanguagePart(text), whatlanggo.Options{Whitelist: told})
	switch name := whatlanggo.Scripts[i.Script]; {
	case i.Lang == whatlanggo.Cmn:
		return "Chinese"
	case i.Lang >= 0 && i.Confidence >= minConfidence:
		return i.Lang.String()
	case name != "":
		return "(unsure, " + name + ")"
	}
	return "(unsure)"
}

// A text has the language that whatlanggo finds: texts of the profiles' trigrams, of single letters of all scripts, and of anything.
func TestLanguageIsThatOfWhatlanggo(t *testing.T) {
	seen := map[string]int{}
	var words, letters []string
	for _, of := range profiles() {
		for _, p := range of {
			for _, trigram := range p.trigrams {
				words = append(words, string(trigram[:]))
			}
		}
	}
	for _, table := range unicode.Scripts {
		if len(table.R16) > 0 {
			letters = append(letters, string(rune(table.R16[0].Lo)), string(rune(table.R16[0].Hi)))
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		var b strings.Builder
		from := rapid.IntRange(0, len(words)-1).Draw(t, "language")
		for range rapid.IntRange(1, 60).Draw(t, "length") {
			switch rapid.IntRange(0, 9).Draw(t, "kind") {
			case 0:
				b.WriteString(rapid.SampledFrom(letters).Draw(t, "letter"))
			case 1:
				b.WriteString(rapid.String().Draw(t, "any"))
			case 2:
				b.WriteString(rapid.SampledFrom(words).Draw(t, "other"))
			default: // mostly of one language
				b.WriteString(words[(from+rapid.IntRange(0, 100).Draw(t, "near"))%len(words)])
			}
		}
		text := b.String()
		if strings.ContainsFunc(text, func(r rune) bool { return unicode.In(r, unicode.Hiragana, unicode.Katakana) }) {
			return // PlainLanguage names it
		}
		got, want := TrigramLanguage(text), byWhatlanggo(text)
		if got != want {
			t.Fatalf("%q is %q, whatlanggo says %q", text, got, want)
		}
		seen[got]++
	})
	if len(seen) < 10 {
		t.Errorf("only %v", seen)
	}
}
