package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// The time that tools take over the same commands: layers of `sort -u`, each step of two of the layer before. The tools take turns, and
// the table of docs/peers.md has each one's median beside ninja's.

// timed is a tool: its file, and how it is run.
type timed struct {
	name, file string
	most       int // steps; a tool that takes seconds for a few isn't timed with many
	setup      [][]string
	argv       []string
	write      func(g layered) string
}

var timedTools = []timed{
	{"ninja", "build.ninja", 1000, nil, []string{"ninja", "--quiet", "-j2"}, func(g layered) string {
		return "rule s\n  command = " + line("$i", "$in", "$out") + "\n" + g.each(func(name string, in []string) string {
			return fmt.Sprintf("build %s: s %s\n  i = %[1]s\n", name, strings.Join(in, " "))
		})
	}},
	{"make", "Makefile", 1000, nil, []string{"make", "-s", "-j2"}, func(g layered) string {
		var all strings.Builder
		rules := g.each(func(name string, in []string) string {
			all.WriteString(" " + name)
			return fmt.Sprintf("%s: %s\n\t%s\n", name, strings.Join(in, " "), line(name, strings.Join(in, " "), name))
		})
		return "all:" + all.String() + "\n" + rules
	}},
	{"rein", "p.hcl", 1000, nil, []string{"rein", "run", "-q", "p.hcl"}, func(g layered) string {
		return "pipeline \"p\" {}\n" + g.each(func(name string, in []string) string {
			inputs, read := "", ""
			for i, x := range in {
				from := fmt.Sprintf("file(%q)", x)
				if !strings.HasSuffix(x, ".txt") {
					from = "step." + x + ".out"
				}
				inputs += fmt.Sprintf("    i%d = %s\n", i, from)
				read += fmt.Sprintf(" $REIN_IN_i%d", i)
			}
			step := fmt.Sprintf("step \"exec\" %q {\n  command = [\"sh\", \"-c\", %q]\n  inputs = {\n%s  }\n  outputs = [\"out\"]\n}\n", name, line(name, read, "$REIN_OUT_out"), inputs)
			if g.last(name) { // the others stay in the cache
				step += fmt.Sprintf("output %q {\n  value = step.%[1]s.out\n  path = %[1]q\n}\n", name)
			}
			return step
		})
	}},
	{"doit", "dodo.py", 1000, nil, []string{"doit", "-n2", "-v0"}, func(g layered) string {
		return "STEPS = {\n" + g.each(func(name string, in []string) string {
			return fmt.Sprintf("  %q: [%s],\n", name, quoted(in))
		}) + "}\ndef task_s():\n  for name, ins in STEPS.items():\n    yield {'name': name, 'file_dep': ins, 'targets': [name], 'actions': ['" +
			line("' + name + '", "' + ' '.join(ins) + '", "' + name + '") + "']}\n"
	}},
	{"task", "Taskfile.yml", 1000, nil, []string{"task", "--silent", "-C2"}, func(g layered) string {
		var all strings.Builder
		tasks := g.each(func(name string, in []string) string {
			fmt.Fprintf(&all, "%s, ", name)
			deps := slices.DeleteFunc(slices.Clone(in), func(x string) bool { return strings.HasSuffix(x, ".txt") })
			return fmt.Sprintf("  %s:\n    run: once\n    deps: [%s]\n    sources: [%s]\n    generates: [%[1]s]\n    cmds: [%[4]q]\n", name,
				strings.Join(deps, ", "), quoted(in), line(name, strings.Join(in, " "), name))
		})
		return "version: '3'\ntasks:\n  default:\n    deps: [" + all.String() + "]\n" + tasks
	}},
	{"DVC", "dvc.yaml", 8, [][]string{{"dvc", "init", "-q", "--no-scm"}}, []string{"dvc", "repro", "-q"}, func(g layered) string {
		return "stages:\n" + g.each(func(name string, in []string) string {
			return fmt.Sprintf("  %s:\n    cmd: %q\n    deps: [%s]\n    outs: [%[1]s]\n", name, line(name, strings.Join(in, " "), name), quoted(in))
		})
	}},
	{"Snakemake", "Snakefile", 8, nil, []string{"snakemake", "-c2", "--quiet", "all"}, func(g layered) string {
		var all []string
		rules := g.each(func(name string, in []string) string {
			all = append(all, name)
			return fmt.Sprintf("rule %s:\n    input: %s\n    output: %q\n    shell: %q\n", name, quoted(in), name, line(name, strings.Join(in, " "), name))
		})
		return "rule all:\n    input: " + quoted(all) + "\n" + rules
	}},
}

// line is the command of a step.
func line(name, in, out string) string {
	return "echo " + name + " | LC_ALL=C sort -u - " + in + " > " + out
}

func quoted(names []string) string {
	var out []string
	for _, n := range names {
		out = append(out, fmt.Sprintf("%q", n))
	}
	return strings.Join(out, ", ")
}

// layered is a graph of depth layers of width steps; the first one reads files.
type layered struct{ depth, width int }

func (g layered) each(do func(name string, in []string) string) string {
	var b strings.Builder
	for l := range g.depth {
		for i := range g.width {
			in := []string{fmt.Sprintf("in%d.txt", i)}
			if l > 0 {
				in = []string{fmt.Sprintf("s%d_%d", l-1, i), fmt.Sprintf("s%d_%d", l-1, (i*7+3)%g.width)}
			}
			b.WriteString(do(fmt.Sprintf("s%d_%d", l, i), in))
		}
	}
	return b.String()
}

// last tells whether a step is of the last layer, whose outputs hold something of all others.
func (g layered) last(name string) bool {
	return strings.HasPrefix(name, fmt.Sprintf("s%d_", g.depth-1))
}

func (g layered) source(i int) []string {
	return []string{fmt.Sprint("line ", i), "common", fmt.Sprint("a ", i%7)}
}

// expected is what each step writes.
func (g layered) expected() map[string]string {
	lines := map[string][]string{}
	out := map[string]string{}
	g.each(func(name string, in []string) string {
		all := []string{name}
		for _, x := range in {
			if _, made := lines[x]; !made {
				var i int
				_, _ = fmt.Sscanf(x, "in%d.txt", &i)
				lines[x] = g.source(i)
			}
			all = append(all, lines[x]...)
		}
		slices.Sort(all)
		lines[name] = slices.Compact(all)
		out[name] = strings.Join(lines[name], "\n") + "\n"
		return ""
	})
	return out
}

// player is a tool with a graph in a folder of its own.
type player struct {
	timed
	layered
	dir   string
	env   []string
	times map[string][]time.Duration
}

func (p *player) source(i int, more string) error {
	return os.WriteFile(filepath.Join(p.dir, fmt.Sprintf("in%d.txt", i)), []byte(strings.Join(p.layered.source(i), "\n")+"\n"+more), 0o644)
}

func (p *player) run(t *testing.T, argv []string) time.Duration {
	t.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir, cmd.Env = p.dir, p.env
	start := time.Now()
	out, err := cmd.CombinedOutput()
	took := time.Since(start)
	if err != nil {
		t.Fatalf("%s: %v: %.2000s", p.name, err, out)
	}
	return took
}

// play times one situation, and looks whether the outputs are what they must be.
func (p *player) play(t *testing.T, situation string) {
	t.Helper()
	p.times[situation] = append(p.times[situation], p.run(t, p.argv))
	for name, want := range p.expected() {
		if p.name == "rein" && !p.last(name) {
			continue
		}
		if got, err := os.ReadFile(filepath.Join(p.dir, name)); err != nil || string(got) != want {
			t.Fatalf("%s, %s: %s is %q, %v; want %q", p.name, situation, name, got, err, want)
		}
	}
}

// rounds is how often each situation is timed.
const rounds = 7

func (p *player) round(t *testing.T) {
	p.play(t, "nothing to do")
	// Lines that are there already: the outputs are as before. Each round adds another number of them, so no tool has seen the source before.
	if err := p.source(0, strings.Repeat("common\n", len(p.times["nothing to do"]))); err != nil {
		t.Fatal(err)
	}
	p.play(t, "one source edited, same output")
	if err := p.source(0, ""); err != nil {
		t.Fatal(err)
	}
	p.play(t, "back to the original")
}

// TestPeersTimes needs REIN_PEERS, folders with the tools' programs; with REIN_UPDATE_DOCS it writes the table into docs/peers.md.
func TestPeersTimes(t *testing.T) {
	programs, set := os.LookupEnv("REIN_PEERS")
	if !set {
		t.Skip("REIN_PEERS isn't set: .ci/peers sets it")
	}
	bin := t.TempDir()
	if out, err := exec.Command("go", "build", "-o", filepath.Join(bin, "rein"), ".").CombinedOutput(); err != nil { // as it is installed
		t.Fatalf("%v: %s", err, out)
	}
	t.Setenv("PATH", bin+string(os.PathListSeparator)+programs+string(os.PathListSeparator)+os.Getenv("PATH"))
	var table bytes.Buffer
	for _, g := range []layered{{4, 2}, {10, 100}} {
		var players []*player
		for range rounds {
			fresh := peersFor(t, g)
			for i, p := range fresh {
				if players != nil {
					p.times = players[i].times
				}
				p.play(t, "from nothing")
			}
			players = fresh
		}
		for range rounds {
			for _, p := range players { // in turns: other work on the machine is in all of them
				p.round(t)
			}
		}
		writeTimes(&table, g, players)
	}
	t.Logf("\n%s", table.String())
	if os.Getenv("REIN_UPDATE_DOCS") != "" {
		replaceTimes(t, table.String())
	}
}

func peersFor(t *testing.T, g layered) []*player {
	var out []*player
	for _, tool := range timedTools {
		if _, err := exec.LookPath(tool.argv[0]); err != nil || g.depth*g.width > tool.most {
			continue
		}
		dir := t.TempDir()
		p := &player{timed: tool, layered: g, dir: dir, times: map[string][]time.Duration{},
			env: append(os.Environ(), "REIN_STATE="+filepath.Join(dir, ".rein"), "DVC_NO_ANALYTICS=1", "XDG_CACHE_HOME="+filepath.Join(dir, ".cache"))}
		for i := range g.width {
			if err := p.source(i, ""); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(filepath.Join(dir, tool.file), []byte(tool.write(g)), 0o644); err != nil {
			t.Fatal(err)
		}
		for _, argv := range tool.setup {
			p.run(t, argv)
		}
		out = append(out, p)
	}
	return out
}

// writeTimes writes a table: each tool's median, and how many times ninja's that is.
func writeTimes(to *bytes.Buffer, g layered, players []*player) {
	median := func(p *player, situation string) time.Duration {
		all := slices.Sorted(slices.Values(p.times[situation]))
		return all[len(all)/2]
	}
	fmt.Fprintf(to, "\n| %d steps |", g.depth*g.width)
	for _, p := range players {
		fmt.Fprintf(to, " %s |", p.name)
	}
	to.WriteString("\n| --- |" + strings.Repeat(" --- |", len(players)) + "\n")
	for _, situation := range []string{"from nothing", "nothing to do", "one source edited, same output", "back to the original"} {
		fmt.Fprintf(to, "| %s |", situation)
		for _, p := range players {
			took := median(p, situation)
			unit := time.Millisecond
			if took >= time.Second {
				unit = 10 * time.Millisecond
			}
			fmt.Fprintf(to, " %v", took.Round(unit))
			if first := players[0]; p != first && first.name == "ninja" {
				fmt.Fprintf(to, " (%.1f)", float64(took)/float64(median(first, situation)))
			}
			to.WriteString(" |")
		}
		to.WriteString("\n")
	}
}

const timesBegin, timesEnd = "<!-- times -->", "<!-- end of times -->"

// replaceTimes puts the table into the document.
func replaceTimes(t *testing.T, table string) {
	path := filepath.Join(root, "docs", "peers.md")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), timesBegin)
	_, after, ended := strings.Cut(rest, timesEnd)
	if !found || !ended {
		t.Fatalf("%s has no %s", path, timesBegin)
	}
	if err := os.WriteFile(path, []byte(before+timesBegin+"\n"+table+"\n"+timesEnd+after), 0o644); err != nil {
		t.Fatal(err)
	}
}
