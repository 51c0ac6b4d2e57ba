package mlx

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"

	"rein/steps/internal/encoder"
)

// EncoderMemory estimates how many bytes training an encoder takes: fixed for any batch, and perRow more for each row of MaxTokens tokens.
// The figures were measured with MiniLM on both CPU devices, with 16 to 32 rows of 64 and 128 tokens; perRow has a quarter added.
func EncoderMemory(m *encoder.Model) (fixed, perRow int64) {
	for _, w := range m.Weights {
		fixed += int64(len(w.Data)) * 4 * 6 // weights in Go and on the device, gradients, their sums, two moments
	}
	perToken := int64(m.Layers) * int64(13*m.Hidden+6*m.Inner+7*m.Heads*m.MaxTokens) * 4
	return fixed, int64(m.MaxTokens) * perToken * 5 / 4
}

// FreeMemory returns how many bytes a training on this device may take, or 0 if that isn't known, as on a GPU.
func (b *Backend) FreeMemory() int64 {
	if strings.HasSuffix(b.Name, ":cuda") {
		return 0
	}
	free := int64(0)
	if f, err := os.Open("/proc/meminfo"); err == nil {
		defer f.Close()
		for sc := bufio.NewScanner(f); sc.Scan(); {
			if _, err := fmt.Sscanf(sc.Text(), "MemAvailable: %d kB", &free); err == nil {
				free <<= 10
				break
			}
		}
	}
	limit, err1 := number("/sys/fs/cgroup/memory.max") // a container's limit, and what it uses of it
	used, err2 := number("/sys/fs/cgroup/memory.current")
	if err1 == nil && err2 == nil && limit-used < free {
		free = max(limit-used, 1)
	}
	return free
}

func number(path string) (int64, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
}

// OutOfMemory tells whether a device ran out of memory, so that fewer rows at a time may work.
func OutOfMemory(err error) bool {
	if err == nil {
		return false
	}
	s := strings.ToLower(err.Error())
	for _, sign := range []string{"resource_exhausted", "out of memory", "failed to allocate memory", "bad_alloc"} {
		if strings.Contains(s, sign) {
			return true
		}
	}
	return false
}
