package mlx

import (
	"fmt"
	"os"
	"os/exec"
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

// Plugins that pip installed are found in the active Python environment without PluginEnv. Those of PluginEnv come first.
func TestPluginsOfPython(t *testing.T) {
	venv, named := t.TempDir(), t.TempDir()
	for _, f := range []string{"jax_plugins/xla_cuda13/xla_cuda_plugin.so", "lammps_jax_pjrt_cpu/pjrt_c_api_cpu_plugin.so", "other/pjrt_c_api_cpu_plugin.so"} {
		path := filepath.Join(venv, "lib", "python3.12", "site-packages", f)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv(PluginEnv, "")
	t.Setenv("VIRTUAL_ENV", venv)
	got := Plugins()
	if filepath.Base(got["cuda"]) != "xla_cuda_plugin.so" || filepath.Base(filepath.Dir(got["cpu"])) != "lammps_jax_pjrt_cpu" {
		t.Errorf("found %v", got)
	}
	t.Setenv("VIRTUAL_ENV", "")
	python := filepath.Join(venv, "bin", "python3")
	if err := os.MkdirAll(filepath.Dir(python), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(python, []byte("not run"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", filepath.Dir(python))
	if again := Plugins(); again["cuda"] != got["cuda"] {
		t.Errorf("of the python3 on the path: found %v", again)
	}
	if err := os.WriteFile(filepath.Join(named, "pjrt_c_api_cuda_plugin.so"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv(PluginEnv, named)
	if got := Plugins(); filepath.Dir(got["cuda"]) != named {
		t.Errorf("of the variable: found %v", got)
	}
}

// alone hides all plugins of the machine, except those in dir.
func alone(t *testing.T, dir string) {
	t.Helper()
	t.Setenv(PluginEnv, dir)
	for _, name := range []string{"HOME", "VIRTUAL_ENV", "CONDA_PREFIX", "PATH"} {
		t.Setenv(name, t.TempDir())
	}
}

// If there is a GPU that can't be used, the notice says so: training on the CPU may take days instead of hours.
func TestUnusedGPUIsSaid(t *testing.T) {
	alone(t, t.TempDir())
	defer func(old []string) { gpuSigns = old }(gpuSigns)
	gpuSigns = []string{t.TempDir()}
	for heavy, want := range map[bool]string{true: "there is a GPU, but it can't be used, so training runs on the CPU: no PJRT plugin for cuda", false: ""} {
		b, err := Open("auto", heavy)
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		if b.Name != "onnx:cpu" || !strings.HasPrefix(b.Notice, want) || (want == "") != (b.Notice == "") {
			t.Errorf("heavy %v: device %s, notice %q", heavy, b.Name, b.Notice)
		}
	}
}

func TestMissingDeviceFallsBack(t *testing.T) {
	alone(t, t.TempDir())
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

// A file that isn't a library, and a library that isn't a plugin, don't end the training.
func TestBrokenPluginFallsBack(t *testing.T) {
	for name, code := range map[string]string{"no library": "", "no function": "int x;", "no interface": "void *GetPjrtApi(void) { return 0; }"} {
		dir := t.TempDir()
		plugin := filepath.Join(dir, "pjrt_c_api_cpu_plugin.so")
		if code == "" {
			if err := os.WriteFile(plugin, []byte("no library"), 0o644); err != nil {
				t.Fatal(err)
			}
		} else if err := compile(dir, code, plugin); err != nil {
			t.Fatal(err)
		}
		t.Setenv(PluginEnv, dir)
		b, err := Open("xla:cpu", true)
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		if b.Name != "onnx:cpu" || !strings.Contains(b.Notice, plugin) {
			t.Errorf("%s: device %s, notice %q", name, b.Name, b.Notice)
		}
	}
}

// compile compiles a line of C to a shared library.
func compile(dir, code, path string) error {
	source := filepath.Join(dir, "plugin.c")
	if err := os.WriteFile(source, []byte(code), 0o644); err != nil {
		return err
	}
	out, err := exec.Command("cc", "-shared", "-fPIC", "-o", path, source).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// Plain Go, the last fallback, learns the same from the same graph.
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
