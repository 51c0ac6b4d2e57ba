package synthesize

import (
	"embed"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"sync"
)

//go:embed grammar/*.txt
var grammarFiles embed.FS

// grammar maps a list's name to its alternatives.
type grammar map[string]*list

// list is a named list of alternatives, or a function that computes a text.
type list struct {
	name  string
	lines []line
	make  func(*rand.Rand) string
}

// line is a sequence of parts.
type line []part

// part is literal text, a reference to a list, or a choice that is written in the line itself.
type part struct {
	text   string
	list   *list
	choice []line
}

var escapes = strings.NewReplacer(`\n`, "\n", `\t`, "\t")

var heading = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^\[([a-z][a-z0-9_/\- ]*)\]$`) })

// readGrammar reads the grammar files. A line `[name]` begins a list, and a line with `#` is a comment. Every other line is an alternative.
// In an alternative, `{name}` stands for a text of that list, `<a|b|>` for a, b or nothing, `\n` for a new line and `\t` for a tab.
func readGrammar(files fs.FS) (grammar, error) {
	names, err := fs.Glob(files, "grammar/*.txt")
	if err != nil {
		return nil, err
	}
	g := grammar{}
	for name, f := range computed {
		g[name] = &list{name: name, make: f}
	}
	type raw struct{ where, text string }
	lines := map[string][]raw{}
	for _, name := range names {
		b, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		current := ""
		for i, text := range strings.Split(string(b), "\n") {
			where := fmt.Sprintf("%s:%d", name, i+1)
			if m := heading().FindStringSubmatch(text); m != nil {
				if current = m[1]; g[current] != nil {
					return nil, fmt.Errorf("%s: list %q is there twice", where, current)
				}
				g[current] = &list{name: current}
			} else if text != "" && !strings.HasPrefix(text, "# ") {
				if current == "" {
					return nil, fmt.Errorf("%s: %q belongs to no list", where, text)
				}
				lines[current] = append(lines[current], raw{where, text})
			}
		}
	}
	for name, rs := range lines {
		for _, r := range rs {
			l, err := g.parse(escapes.Replace(r.text))
			if err != nil {
				return nil, fmt.Errorf("%s: %w", r.where, err)
			}
			g[name].lines = append(g[name].lines, l)
		}
	}
	return g, g.check()
}

// parse reads one alternative.
func (g grammar) parse(text string) (line, error) {
	var l line
	for text != "" {
		at := strings.IndexAny(text, "{<")
		if at < 0 {
			return append(l, part{text: text}), nil
		}
		end := strings.IndexByte(text[at:], "}>"[strings.IndexByte("{<", text[at])]) + at
		if end < at {
			return append(l, part{text: text}), nil
		}
		inner := text[at+1 : end]
		var p part
		switch {
		case text[at] == '{' && g[inner] != nil:
			p.list = g[inner]
		case text[at] == '{' && regexp.MustCompile(`^[a-z0-9_]+$`).MatchString(inner):
			return nil, fmt.Errorf("there is no list %q", inner)
		case text[at] == '<' && strings.Contains(inner, "|"):
			for _, alt := range strings.Split(inner, "|") {
				sub, err := g.parse(alt)
				if err != nil {
					return nil, err
				}
				p.choice = append(p.choice, sub)
			}
		default: // the bracket is literal text
			l = append(l, part{text: text[:at+1]})
			text = text[at+1:]
			continue
		}
		if at > 0 {
			l = append(l, part{text: text[:at]})
		}
		l, text = append(l, p), text[end+1:]
	}
	return l, nil
}

// check refuses empty lists and lists that contain themselves.
func (g grammar) check() error {
	done := map[*list]bool{}
	var visit func(*list, []string) error
	visit = func(l *list, above []string) error {
		if slices.Contains(above, l.name) {
			return fmt.Errorf("grammar: %s contains itself", strings.Join(append(above, l.name), " -> "))
		}
		if done[l] || l.make != nil {
			return nil
		}
		if len(l.lines) == 0 {
			return fmt.Errorf("grammar: list %q is empty", l.name)
		}
		above = append(above, l.name)
		for _, ln := range l.lines {
			if err := visitLine(ln, func(sub *list) error { return visit(sub, above) }); err != nil {
				return err
			}
		}
		done[l] = true
		return nil
	}
	for _, l := range g {
		if err := visit(l, nil); err != nil {
			return err
		}
	}
	return nil
}

func visitLine(l line, visit func(*list) error) error {
	for _, p := range l {
		if p.list != nil {
			if err := visit(p.list); err != nil {
				return err
			}
		}
		for _, c := range p.choice {
			if err := visitLine(c, visit); err != nil {
				return err
			}
		}
	}
	return nil
}

// write appends a random text of the list to b, and returns the index of the alternative that it began with.
func (l *list) write(b *strings.Builder, rng *rand.Rand) int {
	if l.make != nil {
		b.WriteString(l.make(rng))
		return 0
	}
	at := rng.IntN(len(l.lines))
	l.lines[at].write(b, rng)
	return at
}

func (l line) write(b *strings.Builder, rng *rand.Rand) {
	for _, p := range l {
		switch {
		case p.list != nil:
			p.list.write(b, rng)
		case p.choice != nil:
			p.choice[rng.IntN(len(p.choice))].write(b, rng)
		default:
			b.WriteString(p.text)
		}
	}
}
