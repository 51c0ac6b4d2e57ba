package benchmark

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
)

// Hardware describes the hardware that the figures depend on. It is part of the key, so results of other hardware are never reused.
func Hardware() map[string]string {
	h := map[string]string{
		"os": runtime.GOOS, "arch": runtime.GOARCH, "cores": strconv.Itoa(runtime.NumCPU()),
		"procs": strconv.Itoa(runtime.GOMAXPROCS(0)),
	}
	if name := field("/proc/cpuinfo", "model name"); name != "" {
		h["cpu"] = name
	}
	if b, err := os.ReadFile("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"); err == nil {
		h["governor"] = strings.TrimSpace(string(b))
	}
	return h
}

// field returns the first value of a name in a file with lines of the form "name : value".
func field(path, name string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	for sc := bufio.NewScanner(f); sc.Scan(); {
		if k, v, ok := strings.Cut(sc.Text(), ":"); ok && strings.TrimSpace(k) == name {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// resident returns how many bytes of the process are in RAM, or 0 if the system doesn't say.
func resident() int64 {
	var kib int64
	if _, err := fmt.Sscanf(field("/proc/self/status", "VmRSS"), "%d kB", &kib); err != nil {
		return 0
	}
	return kib << 10
}
