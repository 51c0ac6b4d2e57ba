package train

import (
	"rein/steps/internal/mlx"
	"rein/steps/internal/ort"
)

// Fact says whether this machine has something that training can use.
type Fact struct {
	Name   string // such as "ONNX Runtime", "GPU", "XLA on cuda"
	Found  bool
	Needed bool   // without it, nothing can be trained or scored
	Value  string // its version and path, or what is missing
	Remedy string // how to install it, if it is missing
}

// Runtime returns the version of the ONNX Runtime that is built into rein, or "" if there is none.
func Runtime() string { return ort.Carried() }

// Devices lists what this machine can train on. It loads no plugin, because a plugin that crashes would end rein before it answers.
func Devices() []Fact {
	library := Fact{Name: "ONNX Runtime", Needed: true}
	path, err := ort.Library()
	if err == nil {
		library.Value, err = ort.Version()
	}
	if err != nil {
		library.Value, library.Remedy = err.Error(), "set "+ort.LibraryEnv+" to the path of libonnxruntime 1.23 or later"
	} else {
		library.Found, library.Value = true, library.Value+" ("+path+")"
	}
	facts := []Fact{library}
	plugins := mlx.Plugins()
	gpu := Fact{Name: "GPU", Value: "no NVIDIA device: training runs on the CPU"}
	if mlx.HasGPU() {
		gpu.Found, gpu.Value = true, "NVIDIA"
	}
	facts = append(facts, gpu)
	for _, p := range []struct{ device, get string }{
		{"cuda", "pip install jax-cuda13-pjrt, in the Python that is active when rein runs, or set " + mlx.PluginEnv + " to the folder of its xla_cuda_plugin.so"},
		{"cpu", "optional: pip install --no-deps lammps-jax-pjrt-cpu, in the Python that is active when rein runs, or set " + mlx.PluginEnv + " to the folder of its pjrt_c_api_cpu_plugin.so"},
	} {
		f := Fact{Name: "XLA on " + p.device, Value: "no PJRT plugin", Remedy: p.get}
		if at, ok := plugins[p.device]; ok {
			f.Found, f.Value, f.Remedy = true, at, ""
		} else if p.device == "cuda" && !gpu.Found {
			f.Remedy = "" // it would be useless without a GPU
		}
		facts = append(facts, f)
	}
	return facts
}
