package lang

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"rein/cache"
)

// source reads pipeline files, from the operating system or from an fs.FS (embedded strategies, a git revision, a test).
type source struct {
	fsys    fs.FS // nil: the operating system
	root    string
	work    string            // the working folder, absolute
	overlay map[string][]byte // an editor's unsaved text, by name
	reads   *reads            // records what was read; nil: isn't recorded
}

func (s *source) read(name string) ([]byte, error) {
	text, err := s.text(name)
	answer := digest(text, err)
	if s.fsys == nil && isStream(s.onDisk(name)) {
		answer = cache.Digest{} // it can be read once
	}
	s.reads.add(question{s.on(ofText, ofTextOnDisk), name}, answer)
	return text, err
}

func (s *source) text(name string) ([]byte, error) {
	if b, ok := s.overlay[name]; ok {
		return b, nil
	}
	if s.fsys != nil {
		return fs.ReadFile(s.fsys, path.Clean(filepath.ToSlash(name)))
	}
	return readFile(s.onDisk(name))
}

// ReadFile reads a text that a user names, as readFile does. Its errors name the path.
func ReadFile(path string) ([]byte, error) {
	text, err := readFile(path)
	var named *fs.PathError
	if err != nil && !errors.As(err, &named) {
		err = fmt.Errorf("%s %w", path, err)
	}
	return text, err
}

// readFile reads a regular file, or a pipe that the shell has opened for us (<(...)). It refuses everything that may have no end or no
// writer.
func readFile(path string) ([]byte, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	switch m := st.Mode(); {
	case m&fs.ModeNamedPipe != 0 && !isStream(path):
		return nil, errors.New("is a named pipe, not a file")
	case m&(fs.ModeDevice|fs.ModeSocket) != 0:
		return nil, errors.New("is a device or a socket, not a file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var text bytes.Buffer
	text.Grow(int(min(st.Size(), maxFile)) + bytes.MinRead) // of a pipe: as it comes
	_, err = text.ReadFrom(io.LimitReader(f, maxFile+1))    // one more than what is refused
	return text.Bytes(), err
}

// isStream tells whether a path is of a file that the shell has opened for us.
func isStream(path string) bool {
	return strings.HasPrefix(path, "/dev/fd/") || strings.HasPrefix(path, "/proc/self/fd/") || path == "/dev/stdin"
}

// onDisk is the path of name on the disk, relative to the working folder of the options.
func (s *source) onDisk(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(s.work, name)
}

func (s *source) isDir(name string) (bool, error) {
	dir, err := s.lookKind(name)
	s.reads.add(question{s.on(ofKind, ofKindOnDisk), name}, digestOfKind(dir, err))
	return dir, err
}

func (s *source) lookKind(name string) (bool, error) {
	var fi fs.FileInfo
	var err error
	if s.fsys != nil {
		fi, err = fs.Stat(s.fsys, path.Clean(filepath.ToSlash(name)))
	} else {
		fi, err = os.Stat(s.onDisk(name))
	}
	if err != nil {
		if _, ok := s.overlay[name]; ok {
			return false, nil
		}
		return false, err
	}
	return fi.IsDir(), nil
}

// list lists the pipeline files of a folder, sorted by name.
func (s *source) list(dir string) ([]string, error) {
	entries, err := s.entries(dir)
	var out []string
	for _, e := range entries {
		if !e.IsDir() && isPipelineFile(e.Name()) && !strings.HasSuffix(e.Name(), TestEnding) {
			out = append(out, s.join(dir, e.Name()))
		}
	}
	slices.Sort(out)
	return out, err
}

func (s *source) entries(dir string) ([]fs.DirEntry, error) {
	list, err := s.lookIn(dir)
	s.reads.add(question{s.on(ofList, ofListOnDisk), dir}, digestOfList(list, err))
	return list, err
}

func (s *source) lookIn(dir string) ([]fs.DirEntry, error) {
	if s.fsys != nil {
		return fs.ReadDir(s.fsys, path.Clean(filepath.ToSlash(dir)))
	}
	return os.ReadDir(s.onDisk(dir))
}

func (s *source) join(elem ...string) string {
	if s.fsys != nil {
		return path.Join(elem...)
	}
	return filepath.Join(elem...)
}

// relative resolves a path that is written in the pipeline file from, as the name of another pipeline file.
func (s *source) relative(from, name string) string {
	if filepath.IsAbs(name) {
		return filepath.Clean(name)
	}
	return s.join(filepath.Dir(from), name)
}

// folder is the absolute folder against which the paths in a file are resolved.
func (s *source) folder(file string) string {
	dir := filepath.Dir(filepath.FromSlash(file))
	if filepath.IsAbs(dir) {
		return dir
	}
	if s.fsys != nil {
		return filepath.Join(s.root, dir)
	}
	return filepath.Join(s.work, dir)
}

// TestEnding is the ending of the names of test files. They lie beside pipelines and aren't pipelines.
const TestEnding = ".test.hcl"

// isPipelineFile tells by its name whether a file of a folder is read. Hidden files and those of editors are not.
func isPipelineFile(name string) bool {
	if strings.HasPrefix(name, ".") || strings.HasSuffix(name, "~") {
		return false
	}
	return strings.HasSuffix(name, ".hcl") || strings.HasSuffix(name, ".rein.json") || strings.HasSuffix(name, ".hcl.json")
}

// isJSON tells which syntax a named file has; of a folder only .rein.json and .hcl.json are read (isPipelineFile).
func isJSON(name string) bool { return strings.HasSuffix(name, ".json") }

// baseName is a file's name without folder and ending: the name of a pipeline that doesn't give one.
func baseName(file string) string {
	name := filepath.Base(filepath.FromSlash(file))
	for _, end := range []string{".rein.json", ".hcl.json", ".hcl", ".json"} {
		if s, ok := strings.CutSuffix(name, end); ok {
			return cmp.Or(s, name)
		}
	}
	return name
}

// readProblem is the cause of a read error without the path, which the message has already.
func readProblem(err error) string {
	var pe *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "there is no such file"
	case errors.As(err, &pe):
		return pe.Err.Error()
	}
	return err.Error()
}
