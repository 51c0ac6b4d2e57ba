package index

import (
	"errors"
	"fmt"
	"io"
	"log"
	"runtime"
	"strings"
	"sync"
)

// Badger ends the program by log.Fatal when its files are not as it expects. That must not end rein. The standard logger calls its writer
// before the program ends, on the goroutine that called log.Fatal. If that goroutine is one of ours, the writer panics, and carefully or
// openBadger recovers. If it is one of Badger's own, only that goroutine ends, and the open index counts as failed.

// fatal is what Badger said when it was about to end the program.
type fatal string

func (f fatal) Error() string { return string(f) }

// outcome is the error of a panic: the machine's fault, or damage.
func outcome(p any) error {
	if err := errors.New(fmt.Sprint(p)); Outside(err) {
		return err
	}
	return &Damage{fmt.Sprint(p)}
}

// guardLog catches every log.Fatal of Badger's from now on.
func guardLog() {
	guarding.Lock()
	defer guarding.Unlock()
	if _, ok := log.Writer().(guard); !ok {
		log.SetOutput(guard{log.Writer()})
	}
}

var guarding sync.Mutex

// guard is the standard logger's writer.
type guard struct{ io.Writer }

func (g guard) Write(text []byte) (int, error) {
	said := fatal(strings.TrimSpace(string(text)))
	switch whoEnds() {
	case "":
		return g.Writer.Write(text)
	case ours:
		panic(said)
	}
	opened.Range(func(d, _ any) bool {
		d.(*disk).fail(outcome(said))
		return true
	})
	runtime.Goexit()
	return 0, nil
}

const (
	badgers = "Badger's"
	ours    = "ours"
)

// whoEnds tells whose goroutine has called log.Fatal, or "" if none has.
func whoEnds() (who string) {
	pcs := make([]uintptr, 100)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	ends := false
	for more := true; more; {
		var f runtime.Frame
		f, more = frames.Next()
		switch {
		case strings.HasPrefix(f.Function, "log.Fatal"):
			ends = true
		case ends && who == "" && strings.HasPrefix(f.Function, "github.com/dgraph-io/"):
			who = badgers
		case who != "" && (f.Function == packageName+".carefully" || f.Function == packageName+".openBadger"):
			return ours
		}
	}
	return who
}

const packageName = "rein/cache/internal/index"

// opened are the *disk of all open Badgers.
var opened sync.Map
