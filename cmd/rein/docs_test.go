package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"rein/pipelines/compare/render"
	"rein/pipelines/lang"
	"rein/pipelines/lang/manual"
	"rein/steps/all"
	"rein/steps/metric"
)

const root = "../.."

func readDoc(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestReferenceIsCurrent holds docs/reference.md to the schemas.
func TestReferenceIsCurrent(t *testing.T) {
	if readDoc(t, "docs/reference.md") != manual.Reference(all.Types(), lang.Functions()) {
		t.Error("docs/reference.md has drifted: go run ./cmd/rein steps --reference > docs/reference.md")
	}
}

// TestMetricsPageIsCurrent holds docs/metrics.md to the list of metrics.
func TestMetricsPageIsCurrent(t *testing.T) {
	if readDoc(t, "docs/metrics.md") != metric.Reference(render.Printed) {
		t.Error("docs/metrics.md has drifted: go run ./cmd/rein steps --metrics > docs/metrics.md")
	}
}

var (
	shellBlock = regexp.MustCompile("(?ms)^```sh\n(.*?)^```")
	mentioned  = regexp.MustCompile("`rein ([^`]+)`")
)

// TestDocsCommandsExist checks every rein command that the docs mention: command and flags.
func TestDocsCommandsExist(t *testing.T) {
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
		var commands []string
		for _, block := range shellBlock.FindAllSubmatch(text, -1) {
			for line := range strings.Lines(string(block[1])) {
				if at := strings.Index(line, "rein "); at >= 0 && !strings.Contains(line[:at], "./cmd/") {
					commands = append(commands, strings.TrimSpace(line[at+len("rein "):]))
				}
			}
		}
		for _, m := range mentioned.FindAllSubmatch(text, -1) {
			commands = append(commands, string(m[1]))
		}
		for _, c := range commands {
			checked++
			if err := parseCommand(c); err != nil {
				t.Errorf("%s: rein %s: %v", filepath.Base(path), c, err)
			}
		}
	}
	if checked < 30 {
		t.Errorf("only %d commands found", checked)
	}
}

// parseCommand checks a command line without running it.
func parseCommand(line string) error {
	line, _, _ = strings.Cut(line, " && ")
	tree := newRoot(streams{strings.NewReader(""), &bytes.Buffer{}, &bytes.Buffer{}})
	cmd, args, err := tree.Find(strings.Fields(line))
	if err != nil {
		return err
	}
	if cmd == tree && len(args) > 0 && args[0] != "COMMAND" {
		return fmt.Errorf("no such command")
	}
	if err := cmd.ParseFlags(args); !errors.Is(err, pflag.ErrHelp) {
		return err
	}
	return nil
}

// TestTutorial runs every command of the tutorial, in order, on prompts that are made for it.
func TestTutorial(t *testing.T) {
	if testing.Short() {
		t.Skip("trains models: not with -short")
	}
	script := "exec rein run corpus.hcl -q\nmkdir data\nexec rein get corpus.hcl step.corpus.train -o data/prompts.jsonl\n"
	for _, block := range shellBlock.FindAllStringSubmatch(readDoc(t, "docs/tutorial.md"), -1) {
		for line := range strings.Lines(block[1]) {
			script += "exec sh -c '" + strings.TrimSpace(line) + "'\n"
		}
	}
	script += "\n-- corpus.hcl --\n" + `pipeline "corpus" {}
step "synthesize" "corpus" {
  scale = 0.08
}
`
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "tutorial.txtar"), []byte(script), 0o644); err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{Dir: dir})
}

// TestHelp holds that every command says what it does, how it ends, and gives an example.
func TestHelp(t *testing.T) {
	var check func(c *cobra.Command)
	check = func(c *cobra.Command) {
		if c.Name() == "help" || c.Name() == "completion" || c.Parent() != nil && c.Parent().Name() == "completion" {
			return
		}
		if c.Short == "" || c.Example == "" && !c.HasSubCommands() {
			t.Errorf("%s: no summary or no example", c.CommandPath())
		}
		for _, sub := range c.Commands() {
			check(sub)
		}
	}
	check(newRoot(streams{strings.NewReader(""), &bytes.Buffer{}, &bytes.Buffer{}}))
}

// The first screen of the README says what the problem is, for whom, the one command, what it costs, and its answer.
func TestReadmeFirstScreen(t *testing.T) {
	lines := strings.Split(readDoc(t, "README.md"), "\n")
	first := strings.Join(lines[:40], "\n")
	for _, part := range []string{"prompt injection", "jailbreaks", "for the people who", "go run ./cmd/rein compare pipelines", "two cores", "MiB", "\nRecommended: ", "\n verdict ", "\n FP rate ", "\n recall at 1% FP "} {
		if !strings.Contains(first, part) {
			t.Errorf("the first 40 lines of the README have no %q", part)
		}
	}
}
