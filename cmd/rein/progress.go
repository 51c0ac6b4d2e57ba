package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"

	"rein/cache"
	"rein/cmd/rein/internal/view"
	"rein/engine"
	"rein/pipelines/lang"
	"rein/steps"
	"rein/steps/all"
	"rein/steps/train"
)

// lockedView makes a view safe for the engine, which emits from many goroutines.
type lockedView struct {
	mu sync.Mutex
	v  view.View
}

func (l *lockedView) Event(e engine.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.v.Event(e)
}

func (l *lockedView) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.v.Close()
}

// aside calls f while nothing else writes to the terminal.
func (a *app) aside(f func()) {
	if a.live != nil {
		a.live.Aside(f)
		return
	}
	f()
}

// progress chooses the view by the flags and the terminal. jobs is how many steps run at a time (0: one for each core).
func (a *app) progress(jobs int) *lockedView {
	tty, _ := isTerminal(a.err)
	switch {
	case a.json:
		return &lockedView{v: view.NewJSON(a.out)}
	case a.quiet:
		return &lockedView{v: view.NewQuiet(a.err)}
	case tty:
		v := view.NewTTY(a.err, a.color(a.err))
		if jobs <= 0 {
			jobs = runtime.GOMAXPROCS(0)
		}
		v.Slots(jobs)
		a.live = v
		return &lockedView{v: v}
	}
	return &lockedView{v: view.NewPlain(a.err)}
}

// libraries are the modules whose versions go into records and `rein version`.
var libraries = []string{
	"github.com/hashicorp/hcl/v2", "github.com/zclconf/go-cty", "github.com/dgraph-io/badger/v4",
	"github.com/yalue/onnxruntime_go", "github.com/gomlx/gomlx", "github.com/gomlx/compute-onnx",
}

// versions maps each library that is linked in, and the ONNX Runtime that is carried, to its version.
func versions() map[string]string {
	out := map[string]string{}
	if v := train.Runtime(); v != "" {
		out["onnxruntime"] = v
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return out
	}
	deps := map[string]string{}
	for _, m := range info.Deps {
		deps[m.Path] = m.Version
	}
	for _, l := range libraries {
		if v := deps[l]; v != "" {
			out[l] = v
		}
	}
	return out
}

func (a *app) engineOptions(store *cache.Store) engine.Options {
	return engine.Options{
		Store:    store,
		Resolver: steps.Resolver(all.Types),
		Child:    childCommand(),
		Versions: versions(),
		Emit:     func(engine.Event) {},
	}
}

// commandLine is the command line for the record, without values of the program's sensitive variables.
func commandLine(p *lang.Program) []string {
	out := append([]string{"rein"}, os.Args[1:]...)
	if p == nil { // none has any
		return out
	}
	for _, pipe := range p.Pipelines {
		for _, v := range pipe.Variables {
			if !v.Sensitive {
				continue
			}
			for i, arg := range out {
				for _, prefix := range []string{v.Name + "=", "--var=" + v.Name + "="} {
					if strings.HasPrefix(arg, prefix) {
						out[i] = prefix + "(sensitive)"
					}
				}
			}
		}
	}
	return out
}
