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

// LibraryEnv names another ONNX Runtime library to load instead of the one that rein carries: a CUDA build, for example.
const LibraryEnv = "ONNXRUNTIME_SHARED_LIBRARY_PATH"

// Library is the path of the ONNX Runtime library that this process uses: the one that LibraryEnv names, else the one that
// lies beside the program, else the one that the program carries, which is unpacked into the user's cache folder.
func Library() (string, error) {
	if p, err := chosen(); p != "" || err != nil {
		return p, err
	}
	return unpacked()
}

// chosen is the library that the user put in place of the carried one; "" where there is none.
func chosen() (string, error) {
	if p := os.Getenv(LibraryEnv); p != "" {
		if _, err := os.Stat(p); err != nil {
			return "", fmt.Errorf("ONNX Runtime library of %s: %w", LibraryEnv, err)
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

// fileName is what the library is called on this system.
func fileName() string {
	switch runtime.GOOS {
	case "darwin":
		return "libonnxruntime.dylib"
	case "windows":
		return "onnxruntime.dll"
	}
	return "libonnxruntime.so"
}

// unpacked makes the carried library a file once per process, and checks it.
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

// Carried is the version of the library that rein carries; "" where it carries none.
func Carried() string { return carried.version }

// Used names the library in use without loading or unpacking it: the version of the carried one, or the file of another, whose name
// ends in its version where the path is a link to it.
func Used() string {
	if p := other(); p != "" {
		return filepath.Base(p)
	}
	return carried.version
}

// Fingerprint is what a key has to know of the library that decides answers to the last bit: the digest of the carried one, or the
// file of another.
func Fingerprint() map[string]string {
	if p := other(); p != "" {
		return map[string]string{"onnxruntime": p}
	}
	return map[string]string{"onnxruntime": carried.version + " " + carried.sha256}
}

// other is the file of the library that the user put in place of the carried one, whether it is there or not; "": none.
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
