package exec

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"

	"rein/cache"
	"rein/engine"
	"rein/steps"
)

// sandbox is the folder that a program runs in. It is also HOME and TMPDIR, so files that the program leaves behind go with it.
//
// A file of the input PORT is at PORT/NAME, also when it is the only one, so that a program finds one file where it would find several. An
// input without a name is at PORT itself, or at PORT/0000, PORT/0001 and so on if there are several. A port's only file is also at NAME, if
// that path is free.
type sandbox struct {
	dir     string
	metrics string
	inputs  map[string][]string
	// lists maps a port with several files to a file that lists their paths, one a line.
	lists map[string]string
	left  leftovers
}

const metricsName = ".metrics.json"

// newSandbox copies the inputs, and nothing else, to where the program finds them.
func newSandbox(env *steps.Env, in steps.Inputs) (*sandbox, error) {
	s := &sandbox{dir: env.Scratch(), inputs: map[string][]string{}, lists: map[string]string{}, left: leftovers{env.Scratch(), env.Left()}}
	s.metrics = filepath.Join(s.dir, metricsName)
	ports := slices.Sorted(maps.Keys(in)) // sorted, so that equal steps get equal paths
	for _, port := range ports {
		if !filepath.IsLocal(port) {
			return nil, fmt.Errorf("input %s: would be outside the step's folder", port)
		}
		if err := s.port(port, env.Files(port)); err != nil {
			return nil, fmt.Errorf("input %s: %w", port, err)
		}
	}
	for _, port := range ports {
		if err := s.short(port, env.Files(port)); err != nil {
			return nil, fmt.Errorf("input %s: %w", port, err)
		}
	}
	return s, s.left.clear()
}

// port copies the files of one port into the sandbox.
func (s *sandbox) port(port string, files []engine.File) error {
	for i, f := range files {
		name := filepath.FromSlash(f.Name)
		if name == "" && len(files) > 1 {
			name = fmt.Sprintf("%04d", i)
		}
		if !filepath.IsLocal(filepath.Join(port, name)) || name == ".." {
			return fmt.Errorf("%q would be outside the step's folder", name)
		}
		dst := filepath.Join(s.dir, port, name)
		if !s.left.has(dst) && exists(dst) { // two files from different folders have the same name
			dst = filepath.Join(s.dir, port, fmt.Sprintf("%04d", i), name)
		}
		if err := s.place(f.Path, dst); err != nil {
			return err
		}
		s.inputs[port] = append(s.inputs[port], dst)
	}
	if len(files) < 2 {
		return nil
	}
	list := filepath.Join(s.dir, "."+port+".list")
	s.lists[port] = list
	if err := s.left.vacate(list); err != nil {
		return err
	}
	return os.WriteFile(list, []byte(strings.Join(s.inputs[port], "\n")+"\n"), 0o644)
}

// short also gives the only file of a port its plain name in the step's folder. Both names belong to the same copy.
func (s *sandbox) short(port string, files []engine.File) error {
	if len(files) != 1 || files[0].Name == "" {
		return nil
	}
	at := filepath.Join(s.dir, filepath.FromSlash(files[0].Name))
	if err := s.left.vacate(at); err != nil {
		return err
	}
	if exists(at) || filepath.Base(at) == metricsName {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		return nil // the plain name is already the folder of another input
	}
	if os.Link(s.inputs[port][0], at) == nil {
		return nil
	}
	return s.place(s.inputs[port][0], at)
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// maxVariable is the largest number of bytes in the value of an environment variable. Linux allows 128 KiB including the name.
const maxVariable = 120 << 10

// paths returns the value of REIN_IN_port: absolute paths, one a line. If that is too long for a variable, the paths are relative to the
// step's folder. If that is still too long, it returns the folder that holds the files. A program that expects files then fails on a
// folder; with a cut list it would miss some files without notice.
func (s *sandbox) paths(port string) string {
	v := strings.Join(s.inputs[port], "\n")
	if len(v) <= maxVariable {
		return v
	}
	if v = strings.ReplaceAll("\n"+v, "\n"+s.dir+string(filepath.Separator), "\n")[1:]; len(v) <= maxVariable {
		return v
	}
	return filepath.Join(s.dir, port)
}

// place puts a copy of the file or folder src at dst. It never makes a hard link: the program owns the file, so it may write to it whatever
// its mode is.
func (s *sandbox) place(src, dst string) error {
	in, err := cache.OpenPlain(src, os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	defer in.Close()
	fi, err := in.Stat()
	if err != nil {
		return err
	}
	if !fi.IsDir() {
		err := s.copyOpen(in, dst, fi)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
			if err := s.folder(filepath.Dir(dst)); err != nil {
				return err
			}
			err = s.copyOpen(in, dst, fi)
		}
		return err
	}
	if err := s.folder(dst); err != nil {
		return err
	}
	if src, err = filepath.EvalSymlinks(src); err != nil { // WalkDir doesn't follow a link at its root
		return err
	}
	return filepath.WalkDir(src, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(src, p)
		if err != nil {
			return err
		}
		to := filepath.Join(dst, rel)
		if d.IsDir() {
			return os.MkdirAll(to, 0o755)
		}
		if cache.EditorLock(p, d) {
			return nil
		}
		return s.place(p, to) // follows links: the file that a link leads to is the content
	})
}

// folder creates a folder in the sandbox.
func (s *sandbox) folder(path string) error {
	if err := s.left.vacate(path); err != nil {
		return err
	}
	return os.MkdirAll(path, 0o755)
}

// smallCopy is the size in bytes below which a file is copied with one read and one write.
const smallCopy = 32 << 10

// copyOpen copies the open file in to dst, where only a leftover may be. If dst can't be created, nothing has been read from in, so the
// caller can try again.
func (s *sandbox) copyOpen(in *os.File, dst string, fi fs.FileInfo) error {
	out, was, err := s.left.create(dst, plainMode|fi.Mode().Perm()&0o111)
	if err != nil {
		return err
	}
	n := int64(0)
	if fi.Size() < smallCopy {
		n, err = copySmall(in, out, fi.Size())
	} else {
		n, err = io.Copy(out, in) // where the file system can, the kernel shares the blocks of the two files
	}
	if err == nil && n < was {
		err = out.Truncate(n)
	}
	return errors.Join(err, out.Close())
}

// copySmall copies size bytes with one read and one write.
func copySmall(in io.Reader, out io.Writer, size int64) (int64, error) {
	block := blocks.Get().(*[]byte)
	defer blocks.Put(block)
	n, err := io.ReadFull(in, (*block)[:size])
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) { // the file shrank; the engine checks inputs again after the step
		err = nil
	}
	_, werr := out.Write((*block)[:n])
	return int64(n), errors.Join(err, werr)
}

var blocks = sync.Pool{New: func() any { b := make([]byte, smallCopy); return &b }}
