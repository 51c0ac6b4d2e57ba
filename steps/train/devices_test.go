package train

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rein/steps/internal/mlx"
)

func TestDevices(t *testing.T) {
	dir := t.TempDir()
	t.Setenv(mlx.PluginEnv, dir)
	plugin := filepath.Join(dir, "pjrt_c_api_cuda_plugin.so")
	if err := os.WriteFile(plugin, []byte("not loaded"), 0o644); err != nil {
		t.Fatal(err)
	}
	found := map[string]Fact{}
	for _, f := range Devices() {
		found[f.Name] = f
		if !f.Found && f.Needed && f.Remedy == "" {
			t.Errorf("%s is missing, and nothing says how to get it", f.Name)
		}
	}
	if f := found["ONNX Runtime"]; !f.Found || !strings.Contains(f.Value, "libonnxruntime") {
		t.Errorf("ONNX Runtime: %+v", f)
	}
	if f := found["XLA on cuda"]; !f.Found || f.Value != plugin {
		t.Errorf("the plugin: %+v", f)
	}
}
