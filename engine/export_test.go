package engine

import (
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
)

// KillAt has the process kill itself when it passes a commit point for the nth time: "put 2".
func KillAt(o Options, spec string) Options {
	name, nth, _ := strings.Cut(spec, " ")
	n, err := strconv.ParseInt(nth, 10, 64)
	if err != nil {
		panic(err)
	}
	var passed atomic.Int64
	o.point = func(p string) {
		if p == name && passed.Add(1) == n {
			_ = syscall.Kill(syscall.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	return o
}
