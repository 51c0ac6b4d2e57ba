package engine

import (
	"bufio"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"

	"rein/engine/record"
)

// machine is what this machine has for steps to use.
type machine struct {
	memory int64    // bytes; 0: not known
	gpus   []string // ids, as CUDA_VISIBLE_DEVICES names them
}

func thisMachine() machine {
	return machine{memory: totalMemory(), gpus: visibleGPUs()}
}

// visibleGPUs lists the GPUs of CUDA_VISIBLE_DEVICES if it is set. Otherwise it counts the NVIDIA device files.
func visibleGPUs() []string {
	if given, ok := os.LookupEnv("CUDA_VISIBLE_DEVICES"); ok {
		var ids []string
		for id := range strings.SplitSeq(given, ",") {
			if id = strings.TrimSpace(id); id == "-1" || id == "" {
				break // CUDA ignores what follows an invalid id
			}
			ids = append(ids, id)
		}
		return ids
	}
	var ids []string
	devices, _ := filepath.Glob("/dev/nvidia[0-9]*")
	for range devices {
		ids = append(ids, strconv.Itoa(len(ids)))
	}
	return ids
}

// totalMemory is the machine's memory in bytes, from /proc/meminfo; 0 if there is none.
func totalMemory() int64 {
	kb, _ := strconv.ParseInt(strings.TrimSuffix(procField("/proc/meminfo", "MemTotal"), " kB"), 10, 64)
	return kb << 10
}

// procField returns the value of the first "name : value" line of a file of /proc.
func procField(path, name string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if k, v, ok := strings.Cut(s.Text(), ":"); ok && strings.TrimSpace(k) == name {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// hostname is this machine's name, "" if it has none.
var hostname = sync.OnceValue(func() string {
	name, _ := os.Hostname()
	return name
})

// thisHost is what a record says of the machine.
func thisHost() record.Host {
	return record.Host{Name: hostname(), OS: runtime.GOOS, Arch: runtime.GOARCH, CPU: procField("/proc/cpuinfo", "model name"),
		Cores: runtime.NumCPU(), Memory: totalMemory()}
}
