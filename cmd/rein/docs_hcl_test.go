package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"rein/pipelines/lang"
	"rein/steps/all"
)

var hclBlock = regexp.MustCompile("(?ms)^```hcl\n(.*?)^```")

// elsewhere are mistakes that an excerpt may have, because the rest of its file is missing.
var elsewhere = []string{"Unknown variable", "Unknown step", "Unknown local value"}

// excerptFaults loads an excerpt of a strategy and returns what is wrong with it by itself.
func excerptFaults(t *testing.T, text string) []string {
	t.Helper()
	dir := t.TempDir()
	if !regexp.MustCompile(`(?m)^pipeline "`).MatchString(text) {
		text += "pipeline \"excerpt\" {}\n"
	}
	for name, s := range map[string]string{"excerpt.hcl": text, "reinforce.hcl": readDoc(t, "pipelines/reinforce.hcl")} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(s), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	_, diags := lang.Load([]string{filepath.Join(dir, "excerpt.hcl")}, lang.Options{Types: all.Types})
	var out []string
	for _, d := range diags {
		// arguments of blocks that stand in a step are shown alone in the reference
		inStep := d.Summary == "Unknown block" && (strings.Contains(d.Detail, `"resources"`) || strings.Contains(d.Detail, `"assert"`))
		if !slices.Contains(elsewhere, d.Summary) && !inStep {
			out = append(out, d.Summary+": "+d.Detail)
		}
	}
	return out
}

// A block that a message asks for can be typed as it stands there: HCL allows one argument in a block of one line.
func TestBlocksOfMessagesCanBeTyped(t *testing.T) {
	var names []string
	for _, typ := range all.Types() {
		for _, f := range typ.Fields {
			if f.Block {
				names = append(names, f.Name)
			}
		}
	}
	several := regexp.MustCompile(`\b(` + strings.Join(names, "|") + `) \{ [a-z_]+ = [^{}]*, [a-z_]+ = `)
	for _, folder := range []string{"steps", "pipelines", "cmd", "engine"} {
		err := filepath.WalkDir(filepath.Join(root, folder), func(path string, d fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			for _, m := range several.FindAllString(string(text), -1) {
				t.Errorf("%s: %s...", path, m)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestDocsBlocksAreValid holds every piece of a strategy in the docs to the language and the steps' schemas.
func TestDocsBlocksAreValid(t *testing.T) {
	docs, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, path := range append(docs, filepath.Join(root, "README.md")) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range hclBlock.FindAllStringSubmatch(string(text), -1) {
			checked++
			for _, fault := range excerptFaults(t, m[1]) {
				t.Errorf("%s: %s\n%s", filepath.Base(path), fault, m[1])
			}
		}
	}
	if checked < 30 {
		t.Errorf("only %d blocks found", checked)
	}
	if excerptFaults(t, "step \"sample\" \"s\" {\n  rows = step.x.rows\n  sise = 3\n}\n") == nil {
		t.Error("a misspelt argument beside an unknown step is not found")
	}
}
