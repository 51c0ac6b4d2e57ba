package ort

// #include <mach-o/dyld.h>
import "C"

import (
	"errors"
	"strings"

	_ "github.com/k2-fsa/sherpa-onnx-go-macos" // ships libonnxruntime, and links it by rpath
)

// mapped finds the library among this process's images.
func mapped() (string, error) {
	for i := range C._dyld_image_count() {
		if p := C.GoString(C._dyld_get_image_name(i)); strings.Contains(p, "libonnxruntime") {
			return p, nil
		}
	}
	return "", errors.New("is not mapped into this process")
}
