package ort

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"

	native "github.com/yalue/onnxruntime_go"
)

// LibraryEnv names another ONNX Runtime library to load instead of the one that ships: a CUDA build.
const LibraryEnv = "ONNXRUNTIME_SHARED_LIBRARY_PATH"

// Library is the path of the ONNX Runtime library in use. The one that ships is linked into the program, so it is
// where the loader has put it.
func Library() (string, error) {
	if p := os.Getenv(LibraryEnv); p != "" {
		if _, err := os.Stat(p); err != nil {
			return "", fmt.Errorf("ONNX Runtime library of %s: %w", LibraryEnv, err)
		}
		return p, nil
	}
	p, err := mapped()
	if err != nil {
		return "", fmt.Errorf("ONNX Runtime library: %w; set %s to the library's path", err, LibraryEnv)
	}
	return p, nil
}

// start loads the library once per process: it allows no second environment.
var start = sync.OnceValue(func() error {
	path, err := Library()
	if err != nil {
		return err
	}
	native.SetSharedLibraryPath(path)
	if err := native.InitializeEnvironment(native.WithLogLevelError()); err != nil {
		return fmt.Errorf("ONNX Runtime library %s: %w", path, err)
	}
	return nil
})

// Version is the loaded library's version.
func Version() (string, error) {
	if err := start(); err != nil {
		return "", err
	}
	return native.GetVersion(), nil
}

// Fingerprint is what a key has to know of the library, found without loading it: its module's version, or the file of another,
// whose name ends in its version where the path is a link to it.
func Fingerprint() map[string]string {
	if p := os.Getenv(LibraryEnv); p != "" {
		if file, err := filepath.EvalSymlinks(p); err == nil {
			p = file
		}
		return map[string]string{"onnxruntime": p}
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if strings.HasPrefix(m.Path, "github.com/k2-fsa/sherpa-onnx-go-") {
				return map[string]string{"onnxruntime": m.Path + " " + m.Version}
			}
		}
	}
	return nil
}
