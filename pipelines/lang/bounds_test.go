package lang

import (
	"context"
	"fmt"
	"strings"
	"testing"
)

// Texts full of brackets and operators are no nesting.
func TestTextsMayHoldBrackets(t *testing.T) {
	smileys := strings.Repeat("it is sad :( [ { %{ - ", 3000)
	for name, text := range map[string]string{
		"main.hcl":       "pipeline \"p\" {}\nlocals {\n  a = <<E\n" + strings.ReplaceAll(smileys, "%{", "%%{") + "\nE\n  b = \"" + strings.ReplaceAll(smileys, "%{", "") + "\"\n}\n",
		"main.rein.json": `{"pipeline":{"p":{}},"locals":{"a":"` + strings.ReplaceAll(smileys, "%{", "") + `"}}`,
	} {
		if _, diags := Load([]string{name}, testOptions(map[string]string{name: text})); diags.HasErrors() {
			t.Errorf("%s: %.300s", name, diags.Error())
		}
	}
}

// One call of a function can't make a text of any size.
func TestTextsAreBounded(t *testing.T) {
	for want, locals := range map[string]string{
		`"replace" failed: makes a text of more than 256 MiB`:      "  s = join(\"\", [for i in range(30000): \"a\"])\n  a = replace(local.s, \"a\", local.s)\n",
		`"regexreplace" failed: makes a text of more than 256 MiB`: "  s = join(\"\", [for i in range(30000): \"a\"])\n  a = regexreplace(local.s, \"a\", local.s)\n",
		`"indent" failed: makes a text of more than 256 MiB`:       "  a = indent(999999999, \"a\\nb\")\n",
		`"join" failed: makes a text of more than 256 MiB`:         "  s = join(\"\", [for i in range(30000): \"a\"])\n  a = join(local.s, [for i in range(10000): \"a\"])\n",
	} {
		_, diags := Load([]string{"main.hcl"}, testOptions(map[string]string{"main.hcl": "pipeline \"p\" {}\nlocals {\n" + locals + "}\n"}))
		if !strings.Contains(fmt.Sprint(diags), want) {
			t.Errorf("want %q, got %.300v", want, diags)
		}
	}
}

// A few lines can't take time or memory without bound.
func TestEvaluationIsBounded(t *testing.T) {
	var laughs strings.Builder
	laughs.WriteString("  l0 = \"0123456789012345678901234567890123456789\"\n")
	for i := range 40 {
		fmt.Fprintf(&laughs, "  l%d = \"${local.l%d}${local.l%d}\"\n", i+1, i, i)
	}
	for want, locals := range map[string]string{
		"Values are too large":      laughs.String(),
		"1000000 combinations":      "  a = setproduct(range(1000), range(1000), range(1000), range(1000))\n",
		"Number is too long":        "  a = \"${1e99999999}\"\n",
		"It has more than":          "  a = format(\"%d\", 1e99999999)\n",
		"has a number of more than": "  a = jsondecode(\"[1e99999999]\")\n",
		"width or precision":        "  a = format(\"%999999999999d\", 1)\n",
	} {
		text := "pipeline \"p\" {}\nlocals {\n" + locals + "}\n"
		o := testOptions(map[string]string{"main.hcl": text})
		o.maxHeap = 256 << 20
		ended := make(chan struct{})
		o.ended = func() { close(ended) }
		_, diags := Load([]string{"main.hcl"}, o)
		if !diags.HasErrors() || !strings.Contains(diags.Error(), want) {
			t.Errorf("want %q, got %.300v", want, diags)
		}
		if d := fmt.Sprint(diags); strings.Contains(d, "goroutine") {
			t.Errorf("a stack is shown: %s", d)
		}
		<-ended // nothing goes on for ever
	}
}

// Loading ends when it is told to, whatever is being evaluated.
func TestLoadingIsInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	o := testOptions(map[string]string{"main.hcl": "pipeline \"p\" {}\nlocals {\n  a = [for a in range(1000): [for b in range(1000): [for c in range(60): upper(\"x\")]]]\n}\n"})
	o.Context = ctx
	if _, diags := Load([]string{"main.hcl"}, o); len(diags) != 1 || diags[0].Summary != "Interrupted" {
		t.Errorf("%v", diags)
	}
}

// Loading that takes very long ends with what to look for.
func TestLoadingHasAnEnd(t *testing.T) {
	o := testOptions(map[string]string{"main.hcl": "pipeline \"p\" {}\nlocals {\n  a = [for a in range(1000): [for b in range(300): upper(\"x\")]]\n}\n"})
	o.maxTime = 1
	if _, diags := Load([]string{"main.hcl"}, o); len(diags) != 1 || diags[0].Summary != "Values take too long" {
		t.Errorf("%v", diags)
	}
}

// A file of bytes is no pipeline file, and is told where that begins.
func TestFilesOfBytes(t *testing.T) {
	for text, line := range map[string]int{"pipeline \"p\" {}\n\x00": 2, strings.Repeat("\x00", 1<<20): 1} {
		_, diags := Load([]string{"main.hcl"}, testOptions(map[string]string{"main.hcl": text}))
		if len(diags) == 0 || diags[0].Summary != "Not a text file" || diags[0].Subject.Start.Line != line {
			t.Errorf("%.20q: %.300v", text, diags)
		}
	}
}

// A checkout for Windows says the same, and formatting leaves its line ends.
func TestWindowsLines(t *testing.T) {
	text := "pipeline \"p\" {}\nlocals {\n  a = <<E\none\ntwo\nE\n}\nplan {\n  n = length(split(\"\\r\", local.a))\n}\n"
	windows := strings.ReplaceAll(text, "\n", "\r\n")
	p, diags := Load([]string{"main.hcl"}, testOptions(map[string]string{"main.hcl": windows}))
	if diags.HasErrors() || !strings.Contains(string(p.Graph.Pipelines[0].Meta), `"n":1`) {
		t.Errorf("%v: %s", diags, p.Graph.Pipelines[0].Meta)
	}
	for _, want := range []string{text, windows} {
		if got, diags := Format("main.hcl", []byte(want)); string(got) != want || diags.HasErrors() {
			t.Errorf("%q became %q: %v", want, got, diags)
		}
	}
}
