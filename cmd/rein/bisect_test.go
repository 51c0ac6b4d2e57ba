package main

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math/bits"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// history is a made-up repository: some commits change the file that a strategy reads, and one of them makes it worse.
type history struct {
	parents [][]int
	lines   []map[int]bool // by commit: the commits before it, and itself, that changed the file
	culprit int
	ids     []string
}

// draw makes a history whose last commit has the culprit and whose first hasn't.
func (h *history) draw(t *rapid.T, merged bool) {
	n := rapid.IntRange(2, 24).Draw(t, "commits")
	h.lines = []map[int]bool{{0: true}}
	h.parents = [][]int{nil}
	heads := []int{0} // commits that nothing follows
	for i := 1; i < n; i++ {
		from := []int{i - 1}
		if merged {
			from[0] = rapid.IntRange(0, i-1).Draw(t, "parent")
			if other := rapid.IntRange(0, i-1).Draw(t, "other"); other != from[0] && rapid.Bool().Draw(t, "merges") {
				from = append(from, other)
			}
		}
		if i == n-1 { // the last one joins all branches
			from = slices.Clone(heads)
		}
		h.commit(i, from, rapid.IntRange(0, 2).Draw(t, "changes") > 0)
		heads = append(slices.DeleteFunc(heads, func(x int) bool { return slices.Contains(from, x) }), i)
	}
	var able []int
	for c := range h.lines[n-1] {
		if c > 0 {
			able = append(able, c)
		}
	}
	if len(able) == 0 {
		t.Skip("nothing changes the file")
	}
	slices.Sort(able)
	h.culprit = rapid.SampledFrom(able).Draw(t, "culprit")
}

func (h *history) commit(i int, from []int, changes bool) {
	lines := map[int]bool{}
	for _, p := range from {
		maps.Copy(lines, h.lines[p])
	}
	if changes {
		lines[i] = true
	}
	h.parents, h.lines = append(h.parents, from), append(h.lines, lines)
}

// write adds it to a git repository as a branch.
func (h *history) write(t *rapid.T, dir, branch string) {
	var b strings.Builder
	for i, from := range h.parents {
		fmt.Fprintf(&b, "commit refs/heads/%s\nmark :%d\ncommitter a <a@example.org> %d +0000\ndata 1\nx\n", branch, i+1, 1700000000+i)
		for k, p := range from {
			fmt.Fprintf(&b, "%s :%d\n", []string{"from", "merge"}[min(k, 1)], p+1)
		}
		text := fmt.Sprint(branch, slices.Sorted(maps.Keys(h.lines[i])))
		fmt.Fprintf(&b, "M 100644 inline p.hcl\ndata %d\n%s\nM 100644 inline other\ndata <<END\n%d\nEND\n\n", len(text), text, i)
	}
	marks := filepath.Join(dir, branch)
	c := exec.Command("git", "fast-import", "--quiet", "--export-marks="+marks)
	c.Dir, c.Stdin = dir, strings.NewReader(b.String())
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	text, err := os.ReadFile(marks)
	if err != nil {
		t.Fatal(err)
	}
	h.ids = make([]string, len(h.parents))
	for line := range strings.Lines(string(text)) {
		var mark int
		var id string
		if _, err := fmt.Sscanf(line, ":%d %s", &mark, &id); err != nil {
			t.Fatal(err)
		}
		h.ids[mark-1] = id
	}
}

// Among random commits, the one is found that makes the figure worse. Where some can't be told, it is among those that are named.
func TestBisectFindsThePlantedCommit(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
	dir := t.TempDir()
	if out, err := exec.Command("git", "init", "-q", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	branches := 0
	rapid.Check(t, func(t *rapid.T) {
		var h history
		merged := rapid.Bool().Draw(t, "merged")
		h.draw(t, merged)
		branches++
		h.write(t, dir, fmt.Sprint("h", branches))
		last := len(h.ids) - 1
		untold := map[int]bool{}
		if rapid.Bool().Draw(t, "some can't be told") {
			for i := 1; i < last; i++ {
				untold[i] = rapid.IntRange(0, 3).Draw(t, "untold") == 0
			}
		}
		asked := 0
		s := search{top: dir, paths: []string{"p.hcl"}}
		x := halving{worst: h.ids[last], goods: []string{h.ids[0]}, candidates: s.candidates, judge: func(_ context.Context, id string) (judged, error) {
			asked++
			switch i := slices.Index(h.ids, id); {
			case untold[i]:
				return unclear, nil
			case h.lines[i][h.culprit]:
				return bad, nil
			}
			return good, nil
		}}
		found, err := x.search(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(found, h.ids[h.culprit]) {
			t.Fatalf("%v is found, not commit %d of %v", found, h.culprit, h.ids)
		}
		if slices.Contains(slices.Collect(maps.Values(untold)), true) {
			return
		}
		if len(found) != 1 {
			t.Fatalf("%v can't be told apart, and each has an answer", found)
		}
		if !merged && asked > bits.Len(uint(last)) {
			t.Errorf("%d of %d commits in a line were asked", asked, last)
		}
	})
}

// The only commit that can have made the figure worse isn't asked, also where the last commit changes nothing that is read.
func TestTheLastCandidateIsNotAsked(t *testing.T) {
	line := []string{"a", "b", "c"} // changes of a file, after a good commit; the worst commit follows them
	asked := 0
	x := halving{worst: "w", goods: []string{"begin"}, candidates: func(_ context.Context, _ string, goods []string) ([]string, error) {
		return line[slices.Index(line, goods[len(goods)-1])+1:], nil
	}, judge: func(context.Context, string) (judged, error) {
		asked++
		return good, nil
	}}
	if found, err := x.search(t.Context()); err != nil || !slices.Equal(found, []string{"c"}) || asked != 2 {
		t.Errorf("%v, %v after %d commits", found, err, asked)
	}
}

// heldStrategy is a strategy whose step counts its runs, and waits in the middle of its values for somebody who interrupts it.
const heldStrategy = `pipeline "p" {}
variable "n" { default = %[1]d }
step "exec" "test" {
  command = ["sh", "-c", "case $1 in 5|6) if [ -e %[2]s/hold ]; then echo > %[2]s/reached; cat %[2]s/hold; fi;; esac; echo $1 >> %[2]s/ran; echo \"{\\\"fp_rate\\\": 0.0$1}\" > \"$REIN_METRICS\"", "sh", tostring(var.n)]
  outputs = []
}
compare { result = step.test }
`

// An interrupted search leaves no worktree, and the same command again runs only what wasn't finished.
func TestBisectGoesOnAfterAnInterrupt(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
	dir, outside := t.TempDir(), t.TempDir()
	t.Chdir(dir)
	run := func(name string, args ...string) string {
		out, err := exec.Command(name, args...).CombinedOutput()
		if err != nil {
			t.Fatalf("%s %v: %v: %s", name, args, err, out)
		}
		return strings.TrimSpace(string(out))
	}
	run("git", "init", "-q", ".")
	var ids []string
	for n := 1; n <= 9; n++ { // from 5 on it is worse
		if err := os.WriteFile("p.hcl", fmt.Appendf(nil, heldStrategy, n, outside), 0o644); err != nil {
			t.Fatal(err)
		}
		run("git", "add", "p.hcl")
		run("git", "-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-q", "-m", fmt.Sprint(n))
		ids = append(ids, run("git", "rev-parse", "HEAD"))
	}
	for _, pipe := range []string{"hold", "reached"} {
		if err := exec.Command("mkfifo", filepath.Join(outside, pipe)).Run(); err != nil {
			t.Skipf("no named pipes here: %v", err)
		}
	}
	bisect := func(ctx context.Context) (int, string) {
		var said bytes.Buffer
		code := execute(ctx, streams{strings.NewReader(""), &said, &said}, []string{"bisect", ids[0], ids[8], "p.hcl", "--worse-by", "0.04"})
		return code, said.String()
	}
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	go func() {
		_, _ = os.ReadFile(filepath.Join(outside, "reached")) // until the step is there
		interrupt()
	}()
	if code, said := bisect(ctx); code != exitInterrupted || !strings.Contains(said, "the same command goes on from there") {
		t.Fatalf("exit status %d: %s", code, said)
	}
	if trees := run("git", "worktree", "list"); strings.Contains(trees, "\n") {
		t.Errorf("a worktree is left: %s", trees)
	}
	if err := os.Remove(filepath.Join(outside, "hold")); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(filepath.Join(outside, "ran"))
	if err != nil {
		t.Fatal(err)
	}
	code, said := bisect(t.Context())
	if code != exitOK || !strings.Contains(said, ids[4]+" is the first bad commit") {
		t.Fatalf("exit status %d: %s", code, said)
	}
	ran, err := os.ReadFile(filepath.Join(outside, "ran"))
	if err != nil {
		t.Fatal(err)
	}
	values := strings.Fields(string(ran))
	slices.Sort(values)
	if len(before) == 0 || len(values) != len(slices.Compact(slices.Clone(values))) {
		t.Errorf("before the interrupt %q ran, and in the end %q", before, ran)
	}
}
