//go:build unix

package exec_test

import (
	"fmt"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"

	"rein/engine"
	"rein/engine/enginetest"
	"rein/steps/exec"
)

const tiny = 1000

// tinySteps are steps that each copy one small file by a shell.
func tinySteps(b *testing.B, file string) *engine.Graph {
	nodes := make([]*engine.Node, tiny)
	for i := range nodes {
		op, err := exec.Step().Op(cty.ObjectVal(map[string]cty.Value{
			"command": cty.TupleVal([]cty.Value{cty.StringVal("sh"), cty.StringVal("-c"), cty.StringVal(fmt.Sprintf(`echo %d $REIN_IN_i > $REIN_OUT_o`, i))}),
			"outputs": cty.TupleVal([]cty.Value{cty.StringVal("o")}),
		}))
		if err != nil {
			b.Fatal(err)
		}
		nodes[i] = &engine.Node{Name: fmt.Sprintf("s%d", i), Type: "exec", Op: op, Ports: []engine.Port{{Name: "o", Kind: "file"}},
			Inputs: []engine.Input{enginetest.Path("i", engine.PathFile, file)}}
	}
	return enginetest.Graph(nodes...)
}

// peers are build tools that can run the same commands: a file to write, and how to start it.
var peers = map[string]struct {
	file string
	text func() string
	argv []string
}{
	"ninja": {"build.ninja", func() string {
		var s strings.Builder
		s.WriteString("rule r\n  command = echo $out $in > $out\n")
		for i := range tiny {
			fmt.Fprintf(&s, "build o%d: r i\n", i)
		}
		return s.String()
	}, []string{"ninja", "-j4"}},
	"make": {"Makefile", func() string {
		var all, s strings.Builder
		for i := range tiny {
			fmt.Fprintf(&all, " o%d", i)
			fmt.Fprintf(&s, "o%d: i\n\techo $@ $< > $@\n", i)
		}
		return "all:" + all.String() + "\n" + s.String()
	}, []string{"make", "-s", "-j4"}},
}

// cpuTime is the processor time of this process and of its children that ended: on a busy machine it says more than
// the clock.
func cpuTime() time.Duration {
	var total time.Duration
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var u syscall.Rusage
		if syscall.Getrusage(who, &u) == nil {
			total += time.Duration(u.Utime.Nano() + u.Stime.Nano())
		}
	}
	return total
}

// BenchmarkAgainstPeers runs 1,000 tiny steps cold, beside other tools that are installed, in turns, and reports the
// ratio of the times: rein/ninja is how many times longer rein takes.
func BenchmarkAgainstPeers(b *testing.B) {
	for name, p := range peers {
		b.Run(name, func(b *testing.B) {
			if _, err := osexec.LookPath(p.argv[0]); err != nil {
				b.Skipf("%s is not installed", name)
			}
			var ours, theirs, ourCPU, theirCPU time.Duration
			for b.Loop() {
				dir := b.TempDir()
				for file, text := range map[string]string{p.file: p.text(), "i": "x\n"} {
					if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o666); err != nil {
						b.Fatal(err)
					}
				}
				start, cpu := time.Now(), cpuTime()
				cmd := osexec.Command(p.argv[0], p.argv[1:]...)
				cmd.Dir = dir
				if out, err := cmd.CombinedOutput(); err != nil {
					b.Fatalf("%v: %s", err, out)
				}
				theirs, theirCPU = theirs+time.Since(start), theirCPU+cpuTime()-cpu
				s, g := enginetest.Store(b), tinySteps(b, filepath.Join(dir, "i"))
				start, cpu = time.Now(), cpuTime()
				r, err := engine.Run(b.Context(), g, engine.Options{Store: s, Jobs: 4})
				if err != nil || r.Verdict != "pass" {
					b.Fatal(err, enginetest.Find(r, "s0").Error)
				}
				ours, ourCPU = ours+time.Since(start), ourCPU+cpuTime()-cpu
			}
			b.ReportMetric(float64(ours)/float64(theirs), "rein/"+name)
			b.ReportMetric(float64(ourCPU)/float64(theirCPU), "cpu-rein/"+name)
			b.ReportMetric(float64(ours.Milliseconds())/float64(b.N)/tiny, "ms/step")
		})
	}
}
