package lang

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// onAllCores calls do with each number below n, several at a time. A panic of one goes on in the caller, who may recover from it.
func onAllCores(n int, do func(int)) {
	var next atomic.Int64
	panicked := make(chan any, 1)
	var all sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), n) {
		all.Go(func() {
			defer func() {
				if r := recover(); r != nil {
					select {
					case panicked <- r:
					default: // one is enough
					}
				}
			}()
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	all.Wait()
	select {
	case r := <-panicked:
		panic(r)
	default:
	}
}
