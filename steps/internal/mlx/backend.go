// Package mlx trains models with GoMLX. No other package imports GoMLX: building a graph panics, which this package turns into errors, and
// it chooses the device. The default device is ONNX Runtime on the CPU, which needs no installation.
package mlx

import (
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/gomlx/compute"
	onnxbackend "github.com/gomlx/compute-onnx"
	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/go-xla/compute/xla"
	"k8s.io/klog/v2"

	"rein/steps/internal/ort"
)

// Backend is a device that runs GoMLX graphs.
type Backend struct {
	Name string // as a run's record shows it: "onnx:cpu", "xla:cuda"
	// Notice says why this isn't the device that was asked for; "" if it is.
	Notice string
	b      compute.Backend
	fuses  bool // merges many small operations into one pass over memory, as XLA does
	flash  flash
}

// Open starts a device:
//
//	auto     cuda if heavy is set (the graph is worth it) and there is a GPU with a plugin; else cpu
//	cpu      ONNX Runtime
//	cuda     XLA on a GPU, through a PJRT plugin
//	xla:cpu  XLA on the CPU, through a PJRT plugin
//	go       plain Go: slow, but needs no native library
//
// If the device isn't available, Open falls back to cpu, then to go, and says so in Notice. An unknown device is an error.
func Open(device string, heavy bool) (*Backend, error) {
	quiet()
	switch device {
	case "go":
		return openGo()
	case "auto":
		if heavy && HasGPU() {
			b, err := openXLA("cuda")
			if err == nil {
				return b, nil
			}
			return fallBack(fmt.Sprintf("there is a GPU, but it can't be used, so training runs on the CPU: %v", err))
		}
	case "cuda", "xla:cpu":
		b, err := openXLA(strings.TrimPrefix(device, "xla:"))
		if err == nil {
			return b, nil
		}
		return fallBack(fmt.Sprintf("device %q isn't available, so training runs on the CPU: %v", device, err))
	case "cpu":
	default:
		return nil, fmt.Errorf("device %q is none of auto, cpu, cuda, xla:cpu, go", device)
	}
	return fallBack("")
}

// quiet keeps GoMLX's libraries from writing to the program's streams. Their errors are returned anyway.
var quiet = sync.OnceFunc(func() {
	klog.LogToStderr(false)
	klog.SetOutput(io.Discard)
})

// fallBack opens ONNX Runtime on the CPU, or plain Go if that fails.
func fallBack(notice string) (*Backend, error) {
	b, err := openONNX("cpu")
	if err != nil {
		if b, err2 := openGo(); err2 == nil {
			b.Notice = strings.TrimPrefix(notice+"; ONNX Runtime isn't available, so training runs in plain Go, which is slow: "+err.Error(), "; ")
			return b, nil
		}
		return nil, err
	}
	b.Notice = notice
	return b, nil
}

func openONNX(provider string) (*Backend, error) {
	path, err := ort.Library()
	if err != nil {
		return nil, err
	}
	onnxbackend.EnableAutoInstall(false) // never download a library
	b, err := onnxbackend.New(provider + "," + path)
	if err != nil {
		return nil, fmt.Errorf("GoMLX on ONNX Runtime (%s): %w", provider, err)
	}
	return &Backend{Name: "onnx:" + provider, b: b}, nil
}

func openXLA(plugin string) (_ *Backend, err error) {
	found, ok := Plugins()[plugin]
	if !ok {
		return nil, fmt.Errorf("no PJRT plugin for %s in the folders of %s or in Python's packages; rein doctor says how to get one", plugin, PluginEnv)
	}
	xla.EnableAutoInstall(false) // never download a plugin
	defer func() {
		if r := recover(); r != nil { // the file may be another kind of library
			err = fmt.Errorf("PJRT plugin %s: %v", found, r)
		}
	}()
	b, err := xla.New(found)
	if err != nil {
		return nil, fmt.Errorf("PJRT plugin %s: %w", found, err)
	}
	out := &Backend{Name: "xla:" + plugin, b: b, fuses: true}
	if plugin == "cuda" {
		out.flash.try = out.tryFlash
	}
	return out, nil
}

func openGo() (*Backend, error) {
	b, err := gobackend.New("")
	if err != nil {
		return nil, fmt.Errorf("GoMLX in plain Go: %w", err)
	}
	return &Backend{Name: "go", b: b}, nil
}

// BFloat16 tells whether the device can multiply in bfloat16. XLA can, though this is slow on a CPU.
func (b *Backend) BFloat16() bool { return b.fuses }

// Close frees the device.
func (b *Backend) Close() { b.b.Finalize() }
