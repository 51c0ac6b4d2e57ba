package mlx

import (
	"os"
	"path/filepath"
	"regexp"
)

// PluginEnv lists the folders to look for PJRT plugins in.
const PluginEnv = "PJRT_PLUGIN_LIBRARY_PATH"

var pluginName = regexp.MustCompile(`^(?:pjrt_c_api_(.+)_plugin|pjrt[-_]plugin[-_](.+))\.(?:so|dylib|dll)$`)

// Plugins finds PJRT plugins without loading them: file by device name. Folders are those of PluginEnv, then those where
// plugins are installed by hand.
func Plugins() map[string]string {
	dirs := filepath.SplitList(os.Getenv(PluginEnv))
	dirs = append(dirs, "/usr/local/lib/go-xla")
	if home, err := os.UserHomeDir(); err == nil {
		dirs = append(dirs, filepath.Join(home, ".local", "lib", "go-xla"))
	}
	found := map[string]string{}
	for _, dir := range dirs {
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue // most of the folders aren't there
		}
		for _, e := range entries {
			m := pluginName.FindStringSubmatch(e.Name())
			if m == nil {
				continue
			}
			if name := device(m[1] + m[2]); found[name] == "" {
				found[name] = filepath.Join(dir, e.Name())
			}
		}
	}
	return found
}

var version = regexp.MustCompile(`^(cpu|cuda)\d*(?:_v[\d.]+)?$`)

// device is the plugin's name without a version: "cuda13" and "cpu_v0.83.1" are cuda and cpu.
func device(plugin string) string {
	if m := version.FindStringSubmatch(plugin); m != nil {
		return m[1]
	}
	return plugin
}

// HasGPU tells whether an NVIDIA GPU's driver is loaded and a device visible.
func HasGPU() bool {
	for _, p := range []string{"/dev/nvidia0", "/dev/nvidiactl"} {
		if _, err := os.Stat(p); err == nil {
			return true
		}
	}
	return false
}
