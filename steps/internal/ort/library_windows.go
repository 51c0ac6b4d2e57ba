package ort

import (
	"fmt"

	_ "github.com/k2-fsa/sherpa-onnx-go-windows" // links onnxruntime.dll, which must lie on the PATH
	"golang.org/x/sys/windows"
)

// mapped asks the loader where the library came from.
func mapped() (string, error) {
	name, err := windows.UTF16PtrFromString("onnxruntime.dll")
	if err != nil {
		return "", err
	}
	var h windows.Handle
	if err := windows.GetModuleHandleEx(windows.GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT, name, &h); err != nil {
		return "", fmt.Errorf("onnxruntime.dll: %w", err)
	}
	buf := make([]uint16, 1024)
	n, err := windows.GetModuleFileName(h, &buf[0], uint32(len(buf)))
	if err != nil {
		return "", fmt.Errorf("onnxruntime.dll: %w", err)
	}
	return windows.UTF16ToString(buf[:n]), nil
}
