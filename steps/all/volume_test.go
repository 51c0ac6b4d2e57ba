package all_test

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/zclconf/go-cty/cty"

	"rein/engine"
	"rein/steps"
	"rein/steps/all"
	"rein/steps/stepstest"
)

// volume runs data steps one after the other as the engine would, and says what each took.
type volume struct {
	t     testing.TB
	dir   string
	rows  int
	total time.Duration
}

func (v *volume) run(typ string, config map[string]cty.Value, in map[string][]string, ports ...string) map[string]string {
	v.t.Helper()
	var found *steps.Type
	for _, t := range all.Types() {
		if t.Name == typ {
			found = t
		}
	}
	op, err := found.Op(cty.ObjectVal(config))
	if err != nil {
		v.t.Fatal(err)
	}
	call := &engine.Call{Inputs: map[string][]engine.File{}, Outputs: map[string]string{}, Scratch: v.t.TempDir(), Emit: func(engine.Event) {}, Memo: &stepstest.Memo{}}
	for port, paths := range in {
		for _, p := range paths {
			call.Inputs[port] = append(call.Inputs[port], engine.File{Path: p})
		}
	}
	out := map[string]string{}
	for _, p := range ports {
		out[p] = filepath.Join(v.dir, fmt.Sprintf("%s-%s-%d", typ, p, time.Now().UnixNano()))
		call.Outputs[p] = out[p]
	}
	start := time.Now()
	if err := op.Run(v.t.Context(), call); err != nil {
		v.t.Fatalf("%s: %v", typ, err)
	}
	took := time.Since(start)
	v.total += took
	v.t.Logf("%-15s %8.2f s, peak memory so far %s", typ, took.Seconds(), peak())
	return out
}

// peak returns the largest resident size of the process so far, if the system reports it.
func peak() string {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return fmt.Sprintf("%d MiB (heap)", m.HeapSys>>20)
	}
	for _, l := range strings.Split(string(b), "\n") {
		if rest, ok := strings.CutPrefix(l, "VmHWM:"); ok {
			kib, _ := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(rest), " kB"))
			return fmt.Sprintf("%d MiB", kib>>10)
		}
	}
	return "unknown"
}

// prompts writes a file of JSON lines: 12 words each, 40 sources, a third of them attacks.
func prompts(t testing.TB, path string, rows int) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	rng := rand.New(rand.NewPCG(1, 2))
	families := []string{"jailbreak", "toxicity", "injection", "pii", "other"}
	for i := range rows {
		label := []string{"benign", "benign", "malicious"}[i%3]
		fmt.Fprintf(w, `{"id":%d,"label":%q,"category":%q,"source":"source %d","text":"`, i, label, families[i%5], i*7%40)
		for range 12 {
			fmt.Fprintf(w, "%c%c%c%c ", 'a'+rng.IntN(26), "aeiou"[rng.IntN(5)], 'a'+rng.IntN(26), "aeiou"[rng.IntN(5)])
		}
		fmt.Fprintln(w, `"}`)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
}

func number(n int) cty.Value { return cty.NumberIntVal(int64(n)) }

// TestVolume passes REIN_VOLUME rows (default 100,000) through the data steps and logs what they take. It sets no limit, because a busy
// machine is no bug.
func TestVolume(t *testing.T) {
	if testing.Short() {
		t.Skip("moves 100,000 rows")
	}
	n := 100_000
	if s := os.Getenv("REIN_VOLUME"); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	v := &volume{t: t, dir: t.TempDir(), rows: n}
	data := filepath.Join(v.dir, "data.jsonl")
	prompts(t, data, n)
	rows := v.run("dataset", nil, map[string][]string{"data": {data}}, "rows")["rows"]
	os.Remove(data)
	v.run("split", nil, map[string][]string{"rows": {rows}}, "train", "validation", "pool", "test", "unseen")
	v.total = 0
	sampled := v.run("sample", map[string]cty.Value{"size": number(n / 10)}, map[string][]string{"rows": {rows}}, "rows")["rows"]
	merged := v.run("merge", nil, map[string][]string{"base": {rows}, "add": {sampled, rows}}, "rows")["rows"]
	v.run("balance-assert", map[string]cty.Value{"on_breach": cty.StringVal("record")}, map[string][]string{"rows": {merged}}, "rows")
	t.Logf("%d rows through sample, merge and balance-assert: %.2f s", n, v.total.Seconds())
	if n <= 200_000 {
		v.run("augment", map[string]cty.Value{"variations": number(8)}, map[string][]string{"rows": {sampled}, "avoid": {rows}}, "rows")
	}
}
