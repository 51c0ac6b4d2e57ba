package mlx

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
)

// PluginEnv is the environment variable with folders to look for PJRT plugins in, before all others.
const PluginEnv = "PJRT_PLUGIN_LIBRARY_PATH"

var pluginName = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(?:pjrt_c_api_(.+)_plugin|pjrt[-_]plugin[-_](.+)|xla_(cuda)_plugin)\.(?:so|dylib|dll)$`)
})

// Plugins returns the files of PJRT plugins by device name, without loading them. It looks in the folders of PluginEnv, then in those where
// plugins are installed by hand, then in Python's packages (pip install jax-cuda13-pjrt). The first plugin of a device wins.
func Plugins() map[string]string {
	dirs := append(filepath.SplitList(os.Getenv(PluginEnv)), "/usr/local/lib/go-xla")
	if home, err := os.UserHomeDir(); err == nil {
		dirs = append(dirs, filepath.Join(home, ".local", "lib", "go-xla"))
	}
	for _, site := range sitePackages() {
		for _, pattern := range []string{"jax_plugins/xla_cuda*", "lammps_jax_pjrt_cpu"} {
			more, _ := filepath.Glob(filepath.Join(site, pattern)) // the patterns are valid, so there is no error
			dirs = append(dirs, more...)
		}
	}
	found := map[string]string{}
	for _, dir := range dirs {
		dir, err := filepath.Abs(dir) // the loader searches system folders for a relative name
		if err != nil {
			continue
		}
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue // most of these folders don't exist
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

// sitePackages returns the folders with Python packages: of the active environment, of the python3 on the PATH, of the user and of the
// system. It doesn't run Python.
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

// device returns a plugin's name without versions: "cuda13" becomes cuda, "cpu_v0.83.1" becomes cpu.
func device(plugin string) string {
	if m := version().FindStringSubmatch(plugin); m != nil {
		return m[1]
	}
	return plugin
}

// gpuSigns are files that exist if an NVIDIA GPU is visible and its driver is loaded. The last one is for Linux on Windows (WSL).
var gpuSigns = []string{"/dev/nvidia0", "/dev/nvidiactl", "/usr/lib/wsl/lib/libcuda.so.1"}

// HasGPU tells whether there seems to be a usable NVIDIA GPU.
func HasGPU() bool {
	for _, p := range gpuSigns {
		if _, err := os.Stat(p); err == nil {
			return true
		}
	}
	return false
}
