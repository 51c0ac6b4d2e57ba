package human

import (
	"bytes"
	"math"
	"slices"
	"testing"
	"time"
	"unicode"

	"github.com/mattn/go-runewidth"
	"pgregory.net/rapid"
)

func TestFormats(t *testing.T) {
	for got, want := range map[string]string{
		Count(0): "0", Count(999): "999", Count(1000): "1,000", Count(-1234567): "-1,234,567",
		Count(math.MinInt64):                   "-9,223,372,036,854,775,808",
		Duration(4 * time.Millisecond):         "4 ms",
		Duration(1200 * time.Millisecond):      "1.2 s",
		Duration(9990 * time.Millisecond):      "10 s",
		Duration(42 * time.Second):             "42 s",
		Duration(59900 * time.Millisecond):     "1 min 0 s",
		Duration(185 * time.Second):            "3 min 5 s",
		Duration(2*time.Hour + 10*time.Minute): "2 h 10 min",
		Bytes(512):                             "512 B",
		Bytes(1536):                            "1.5 KiB",
		Bytes(1<<20 - 1):                       "1.0 MiB",
		Bytes(3435973837):                      "3.2 GiB",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestSafeAndWrapHoldForAnyText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")) + rapid.String().Draw(t, "text")
		got := Safe(text)
		for _, r := range got {
			if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
				t.Fatalf("%q holds %q", got, r)
			}
		}
		width := rapid.IntRange(2, 200).Draw(t, "width")
		for _, l := range Wrap(got, width, "  ") {
			if runewidth.StringWidth(l) > width {
				t.Fatalf("%q is wider than %d", l, width)
			}
		}
	})
	if got, want := Safe("a\x1b]0;x\a\u202eb\xff\n"), `a\x1b]0;x\x07\u202eb\xff`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A reader copies paths, commands and quoted text from a message: no line ends inside them.
func TestWrapWhole(t *testing.T) {
	for s, want := range map[string][]string{
		"no such file: /a/path/that/is/longer/than/a/line or so":   {"no such file:", " /a/path/that/is/longer/than/a/line", " or so"},
		`label "bad guy of old" is neither this nor that`:          {`label "bad guy of old" is`, " neither this nor that"},
		`a row says "he said \"no way\" and left", which is long`:  {"a row says", ` "he said \"no way\" and left",`, " which is long"},
		`say columns = { text = "user prompt" } and go on`:         {"say", ` columns = { text = "user prompt" }`, " and go on"},
		"it's UTF-16: convert it (iconv -f UTF-16 -t UTF-8) first": {"it's UTF-16: convert it", " (iconv -f UTF-16 -t UTF-8)", " first"},
		"look at it first: rein cache verify --repair":             {"look at it first:", " rein cache verify --repair"},
		"try rein plan 'my own/first one.hcl' for once":            {"try", " rein plan 'my own/first one.hcl'", " for once"},
		"--name NAME writes another, --force overwrites it":        {"--name NAME writes another,", " --force overwrites it"},
		"it takes --columns FIELD=COLUMN,..., --labels A=B":        {"it", " takes --columns FIELD=COLUMN,...,", " --labels A=B"},
		"  short words - and no flags - here at all, none":         {"  short words - and no flags", " - here at all, none"},
	} {
		if got := WrapWhole(s, 28, " "); !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestRate(t *testing.T) {
	for r, want := range map[float64]string{0.043: "0.043", 0.5: "0.5", 3.14: "3.1", 9.94: "9.9", 9.96: "10", 12345.6: "12,346"} {
		if got := Rate(r); got != want {
			t.Errorf("Rate(%v) = %s, want %s", r, got, want)
		}
	}
}

func TestTable(t *testing.T) {
	table := func(width int) string {
		tab := Table{Width: width}
		tab.Line(nil, "head: of the whole table, which is long")
		tab.Row("  a", "run", "short")
		tab.Row("  longer", "cached", "some text that needs two lines")
		tab.Row("  b", "", "")
		var b bytes.Buffer
		if err := tab.Write(&b); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	for width, want := range map[int]string{
		0: `head: of the whole table, which is long
  a       run     short
  longer  cached  some text that needs two lines
  b
`,
		42: `head: of the whole table, which is long
  a       run     short
  longer  cached  some text that needs two
                  lines
  b
`,
		30: `head: of the whole table,
  which is long
  a       run     short
  longer  cached
      some text that needs two
      lines
  b
`,
	} {
		if got := table(width); got != want {
			t.Errorf("on %d columns:\n%s\nwant:\n%s", width, got, want)
		}
	}
}

// Columns that don't fit beside each other go below; after a cut they have widths of their own.
func TestTableOfManyColumns(t *testing.T) {
	tab := Table{Width: 24}
	tab.Row("2026-11-26", "3 min 5 s", "fail", "1 ran")
	tab.Row("2026-11-25", "2 s", "pass", "12 ran, 3 cached")
	tab.Cut()
	tab.Row("a", "b")
	var b bytes.Buffer
	if err := tab.Write(&b); err != nil {
		t.Fatal(err)
	}
	if want := "2026-11-26  3 min 5 s\n      fail  1 ran\n2026-11-25  2 s\n      pass\n      12 ran, 3 cached\na  b\n"; b.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", &b, want)
	}
}

func TestMany(t *testing.T) {
	for n, want := range map[int]string{0: "no steps", 1: "1 step", 2: "2 steps", 1200: "1,200 steps"} {
		if got := Many(n, "step"); got != want {
			t.Errorf("Many(%d) = %q, want %q", n, got, want)
		}
	}
}
