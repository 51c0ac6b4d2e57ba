package ort

import (
	"errors"
	"os"
	"strings"

	_ "github.com/k2-fsa/sherpa-onnx-go-linux" // ships libonnxruntime, and links it by rpath
)

// mapped finds the library among this process's mappings.
func mapped() (string, error) {
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(maps)) {
		if i := strings.IndexByte(line, '/'); i >= 0 && strings.Contains(line[i:], "libonnxruntime.so") {
			return strings.TrimSpace(line[i:]), nil
		}
	}
	return "", errors.New("is not mapped into this process")
}
