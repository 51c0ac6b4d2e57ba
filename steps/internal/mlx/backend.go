// Package mlx trains with GoMLX. It is its only importer: graph building panics, which become errors here, and the
// choice of a device is made here. The default device is ONNX Runtime on the CPU, which needs nothing installed.
package mlx

import (
	"fmt"

	"github.com/gomlx/compute"
	onnxbackend "github.com/gomlx/compute-onnx"

	"rein/steps/internal/ort"
)

// Backend is a device that runs GoMLX graphs.
type Backend struct {
	Name string // "onnx:cpu": what the record of a run says
	b    compute.Backend
}

// Open starts the device "auto" (ONNX Runtime on the CPU) or "cpu" (the same).
func Open(device string) (*Backend, error) {
	switch device {
	case "auto", "cpu", "onnx:cpu":
		return openONNX("cpu")
	}
	return nil, fmt.Errorf("device %q is none of auto, cpu", device)
}

func openONNX(provider string) (*Backend, error) {
	path, err := ort.Library()
	if err != nil {
		return nil, err
	}
	onnxbackend.EnableAutoInstall(false) // nothing may be downloaded by itself
	b, err := onnxbackend.New(provider + "," + path)
	if err != nil {
		return nil, fmt.Errorf("GoMLX on ONNX Runtime (%s): %w", provider, err)
	}
	return &Backend{"onnx:" + provider, b}, nil
}

// Close frees the device.
func (b *Backend) Close() { b.b.Finalize() }
