package mlx

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
)

// PluginEnv lists folders to look for PJRT plugins in, before all others.
const PluginEnv = "PJRT_PLUGIN_LIBRARY_PATH"

var pluginName = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(?:pjrt_c_api_(.+)_plugin|pjrt[-_]plugin[-_](.+)|xla_(cuda)_plugin)\.(?:so|dylib|dll)$`)
})

// Plugins finds PJRT plugins without loading them: file by device name. The first folder that has one for a device wins:
// those of PluginEnv, those where plugins are installed by hand, and the packages of the active Python, as
// pip install jax-cuda13-pjrt leaves them.
func Plugins() map[string]string {
	dirs := append(filepath.SplitList(os.Getenv(PluginEnv)), "/usr/local/lib/go-xla")
	if home, err := os.UserHomeDir(); err == nil {
		dirs = append(dirs, filepath.Join(home, ".local", "lib", "go-xla"))
	}
	for _, site := range sitePackages() {
		for _, pattern := range []string{"jax_plugins/xla_cuda*", "lammps_jax_pjrt_cpu"} {
			more, _ := filepath.Glob(filepath.Join(site, pattern)) // fails only on a bad pattern
			dirs = append(dirs, more...)
		}
	}
	found := map[string]string{}
	for _, dir := range dirs {
		dir, err := filepath.Abs(dir) // a name that isn't a path would be searched elsewhere
		if err != nil {
			continue
		}
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue // most of the folders aren't there
		}
		for _, e := range entries {
			m := pluginName().FindStringSubmatch(e.Name())
			if m == nil {
				continue
			}
			if name := device(m[1] + m[2] + m[3]); found[name] == "" {
				found[name] = filepath.Join(dir, e.Name())
			}
		}
	}
	return found
}

// sitePackages are the folders where Python keeps packages: of the environment that is active, of the python3 that would run,
// and of the user and the system. None of it is run.
func sitePackages() []string {
	prefixes := []string{os.Getenv("VIRTUAL_ENV"), os.Getenv("CONDA_PREFIX")}
	if python, err := exec.LookPath("python3"); err == nil {
		prefixes = append(prefixes, filepath.Dir(filepath.Dir(python)))
	}
	if home, err := os.UserHomeDir(); err == nil {
		prefixes = append(prefixes, filepath.Join(home, ".local"))
	}
	var out []string
	for _, prefix := range append(prefixes, "/usr/local", "/usr") {
		if prefix == "" {
			continue
		}
		for _, pattern := range []string{"lib/python3*/site-packages", "lib/python3*/dist-packages", "Lib/site-packages"} {
			dirs, _ := filepath.Glob(filepath.Join(prefix, pattern))
			out = append(out, dirs...)
		}
	}
	return out
}

var version = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(cpu|cuda)\d*(?:_v[\d.]+)?$`) })

// device is the plugin's name without a version: "cuda13" and "cpu_v0.83.1" are cuda and cpu.
func device(plugin string) string {
	if m := version().FindStringSubmatch(plugin); m != nil {
		return m[1]
	}
	return plugin
}

// gpuSigns are what is there where an NVIDIA GPU's driver is loaded and a device visible; the last is Windows's Linux.
var gpuSigns = []string{"/dev/nvidia0", "/dev/nvidiactl", "/usr/lib/wsl/lib/libcuda.so.1"}

// HasGPU tells whether there is an NVIDIA GPU that can be used.
func HasGPU() bool {
	for _, p := range gpuSigns {
		if _, err := os.Stat(p); err == nil {
			return true
		}
	}
	return false
}
