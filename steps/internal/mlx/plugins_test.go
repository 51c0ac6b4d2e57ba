package mlx

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPluginsByName(t *testing.T) {
	dir := t.TempDir()
	t.Setenv(PluginEnv, dir)
	for _, f := range []string{"pjrt_c_api_cuda13_plugin.so", "pjrt-plugin-cpu_v0.83.1.so", "libother.so"} {
		if err := os.WriteFile(filepath.Join(dir, f), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got := Plugins()
	if filepath.Base(got["cuda"]) != "pjrt_c_api_cuda13_plugin.so" || filepath.Base(got["cpu"]) != "pjrt-plugin-cpu_v0.83.1.so" {
		t.Errorf("found %v", got)
	}
}

func TestMissingDeviceFallsBack(t *testing.T) {
	t.Setenv(PluginEnv, t.TempDir())
	t.Setenv("HOME", t.TempDir())
	if _, ok := Plugins()["cuda"]; ok {
		t.Skip("a plugin is installed on this machine")
	}
	b, err := Open("cuda", true)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if b.Name != "onnx:cpu" || !strings.Contains(b.Notice, "no PJRT plugin for cuda") {
		t.Errorf("device %s, notice %q", b.Name, b.Notice)
	}
	if _, err := Open("tpu", false); err == nil {
		t.Error("an unknown device was opened")
	}
}

// A file that is no plugin must not end the training.
func TestBrokenPluginFallsBack(t *testing.T) {
	dir := t.TempDir()
	t.Setenv(PluginEnv, dir)
	if err := os.WriteFile(filepath.Join(dir, "pjrt_c_api_cpu_plugin.so"), []byte("no library"), 0o644); err != nil {
		t.Fatal(err)
	}
	b, err := Open("xla:cpu", true)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if b.Name != "onnx:cpu" || !strings.Contains(b.Notice, "pjrt_c_api_cpu_plugin.so") {
		t.Errorf("device %s, notice %q", b.Name, b.Notice)
	}
}

// The same graph on plain Go: the fallback has to learn the same thing.
func TestGoBackendAgrees(t *testing.T) {
	b, err := Open("go", false)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	step := func(b *Backend) (float32, []float32) {
		h, err := NewHead(b, config, params(config))
		if err != nil {
			t.Fatal(err)
		}
		defer h.Close()
		pooled, targets, weights, mask := batch(config, 2)
		loss, _, err := h.Step(pooled, targets, weights, mask, 0.01)
		if err != nil {
			t.Fatal(err)
		}
		return loss, h.Values()
	}
	l1, p1 := step(b)
	l2, p2 := step(backend(t))
	if d := l1 - l2; d > 1e-5 || d < -1e-5 {
		t.Errorf("loss %v in Go, %v on ONNX Runtime", l1, l2)
	}
	for i := range p1 {
		if d := p1[i] - p2[i]; d > 1e-4 || d < -1e-4 {
			t.Fatalf("parameter %d: %v in Go, %v on ONNX Runtime", i, p1[i], p2[i])
		}
	}
}
