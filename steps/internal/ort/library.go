package ort

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	native "github.com/yalue/onnxruntime_go"
)

// LibraryEnv is the environment variable with the path of another ONNX Runtime library, such as a CUDA build. It is loaded instead of the
// one that rein carries.
const LibraryEnv = "ONNXRUNTIME_SHARED_LIBRARY_PATH"

// Library returns the path of the ONNX Runtime library that this process uses: the one that LibraryEnv names, else the one beside the
// program, else the one that the program carries. The latter is unpacked into the user's cache folder.
func Library() (string, error) {
	if p, err := chosen(); p != "" || err != nil {
		return p, err
	}
	return unpacked()
}

// chosen returns the path of the library that the user put in place of the carried one, or "".
func chosen() (string, error) {
	if p := os.Getenv(LibraryEnv); p != "" {
		if _, err := os.Stat(p); err != nil {
			return "", fmt.Errorf("ONNX Runtime library that %s names: %w", LibraryEnv, err)
		}
		return p, nil
	}
	program, err := os.Executable()
	if err != nil {
		return "", nil
	}
	if program, err = filepath.EvalSymlinks(program); err != nil {
		return "", nil
	}
	p := filepath.Join(filepath.Dir(program), fileName())
	if st, err := os.Stat(p); err != nil || !st.Mode().IsRegular() {
		return "", nil
	}
	return p, nil
}

// fileName is the library's file name on this operating system.
func fileName() string {
	switch runtime.GOOS {
	case "darwin":
		return "libonnxruntime.dylib"
	case "windows":
		return "onnxruntime.dll"
	}
	return "libonnxruntime.so"
}

// unpacked unpacks the carried library, once per process, and returns its path.
var unpacked = sync.OnceValues(func() (string, error) {
	if carried.packed == nil {
		return "", fmt.Errorf("ONNX Runtime library: this rein carries none for %s/%s; put %s beside the program, or set %s to its path",
			runtime.GOOS, runtime.GOARCH, fileName(), LibraryEnv)
	}
	var errs []error
	for _, dir := range cacheDirs() {
		p, err := carried.unpack(dir)
		if err == nil {
			return p, nil
		}
		errs = append(errs, err)
	}
	return "", fmt.Errorf("ONNX Runtime library: it can't be unpacked: %w; set XDG_CACHE_HOME to a folder that can be written, or %s to the library's path",
		errors.Join(errs...), LibraryEnv)
})

// start loads the library once per process, because ONNX Runtime allows only one environment.
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

// Carried is the version of the library that rein carries, or "".
func Carried() string { return carried.version }

// Used names the library in use, without loading or unpacking it. For the carried library it is the version, for another its file name.
// Links are resolved first, because the name of the file often ends with its version.
func Used() string {
	if p := other(); p != "" {
		return filepath.Base(p)
	}
	return carried.version
}

// Fingerprint identifies the library for the key of a step, because other builds may give other last bits. It is the carried library's
// digest, or the file of another library.
func Fingerprint() map[string]string {
	if p := other(); p != "" {
		return map[string]string{"onnxruntime": p}
	}
	return map[string]string{"onnxruntime": carried.version + " " + carried.sha256}
}

// other returns the file of the library that the user put in place of the carried one, even if the file doesn't exist, or "".
func other() string {
	p := os.Getenv(LibraryEnv)
	if p == "" {
		p, _ = chosen()
	}
	if file, err := filepath.EvalSymlinks(p); err == nil && p != "" {
		p = file
	}
	return p
}
