package engine

import (
	"os"
	"strconv"
	"strings"
	"sync/atomic"
)

// At has do called when a run passes a commit point for the nth time: "put 2".
func At(o Options, spec string, do func()) Options {
	name, nth, _ := strings.Cut(spec, " ")
	n, err := strconv.ParseInt(nth, 10, 64)
	if err != nil {
		panic(err)
	}
	var passed atomic.Int64
	o.point = func(p string) {
		if p == name && passed.Add(1) == n {
			do()
		}
	}
	return o
}

// KillAt has the process kill itself there.
func KillAt(o Options, spec string) Options {
	return At(o, spec, func() {
		if self, err := os.FindProcess(os.Getpid()); err == nil {
			_ = self.Kill()
		}
		select {}
	})
}
