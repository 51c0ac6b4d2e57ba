package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// loadFlags are the flags of all commands that read pipeline files.
type loadFlags struct {
	vars     []string // k=v
	varFiles []string
	anew     bool // the files must be loaded: a snapshot isn't enough
}

func (l *loadFlags) register(c *cobra.Command) {
	c.Flags().Var(assignments{&l.vars}, "var", "set a variable: `NAME=VALUE`; may be given several times, once for each variable")
	c.Flags().StringArrayVar(&l.varFiles, "var-file", nil, "read variables from a .hcl or .json `FILE`")
}

// notNegative refuses a count or a time below 0: it would be taken for "all" or for "none" without a word.
func notNegative[T int | time.Duration](flag string, n T) error {
	if n < 0 {
		return configError(fmt.Errorf("%s %v: want 0 or more", flag, n))
	}
	return nil
}

// formatFor is the format that --format names or, without it, that the ending of the output file implies. An unknown ending is refused,
// because the file's content wouldn't match its name.
func formatFor(c *cobra.Command, format, out string, endings map[string]string) (string, error) {
	end := strings.ToLower(filepath.Ext(out))
	if _, err := os.Lstat(out); end == ".hcl" && err == nil {
		return "", configError(fmt.Errorf("--out %s: it is a pipeline's file, and would be lost: give another path", out))
	}
	if c.Flags().Changed("format") || end == "" || out == os.DevNull {
		return format, nil
	}
	if f := endings[end]; f != "" {
		return f, nil
	}
	return "", configError(fmt.Errorf("--out %s: %s is not a format that %s writes; endings that it knows are %s, or give --format",
		out, end, c.CommandPath(), strings.Join(slices.Sorted(maps.Keys(endings)), ", ")))
}

// assignments are the values of a repeatable flag NAME=VALUE. A name may occur once, because nobody could tell which of two values was
// meant.
type assignments struct{ given *[]string }

func (a assignments) String() string { return "" }
func (a assignments) Type() string   { return "NAME=VALUE" }
func (a assignments) Set(kv string) error {
	name, value, _ := strings.Cut(kv, "=")
	for _, other := range *a.given {
		if n, v, _ := strings.Cut(other, "="); strings.TrimSpace(n) == strings.TrimSpace(name) {
			return fmt.Errorf("%s is %q already; give each variable once (now: %q)", strings.TrimSpace(name), v, value)
		}
	}
	*a.given = append(*a.given, kv)
	return nil
}

// retyped are the flags of a command line that decide what its pipelines are and where their results lie, to be typed after another command.
func retyped(command []string) string {
	var b strings.Builder
	for i, arg := range command {
		name, _, joined := strings.Cut(arg, "=")
		if !slices.Contains([]string{"--var", "--var-file", "--state"}, name) || !joined && i+1 == len(command) {
			continue
		}
		b.WriteString(" " + shellWord(arg))
		if !joined {
			b.WriteString(" " + shellWord(command[i+1]))
		}
	}
	return b.String()
}

// shellWord is s as a shell reads it: quoted if a character may mean something else.
func shellWord(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-+=./:,@%", r)
	}
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool { return !plain(r) }) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
