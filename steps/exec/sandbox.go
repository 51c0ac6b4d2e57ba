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

	"rein/cache"
	"rein/engine"
	"rein/steps"
)

// sandbox is the folder that a program runs in. It is HOME and TMPDIR too: what a program leaves lying about goes with
// it. A file of the input PORT is at PORT/NAME, also when it is the only one, so that a program finds one file where it finds
// several; what has no name is PORT itself, or PORT/0000 and so on. A port's only file is also at NAME, if that is free.
type sandbox struct {
	dir     string
	metrics string
	inputs  map[string][]string
	// lists are files with the paths of ports that have several, one a line.
	lists map[string]string
}

const metricsName = ".metrics.json"

// newSandbox puts the inputs where the program finds them, and nothing else.
func newSandbox(env *steps.Env, in steps.Inputs) (*sandbox, error) {
	s := &sandbox{dir: env.Scratch(), inputs: map[string][]string{}, lists: map[string]string{}}
	s.metrics = filepath.Join(s.dir, metricsName)
	ports := slices.Sorted(maps.Keys(in)) // in order: equal steps see equal paths
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
	return s, nil
}

// port places the files of one port.
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
		if exists(dst) { // two files of one name, from different folders
			dst = filepath.Join(s.dir, port, fmt.Sprintf("%04d", i), name)
		}
		if err := place(f.Path, dst); err != nil {
			return err
		}
		s.inputs[port] = append(s.inputs[port], dst)
	}
	if len(files) < 2 {
		return nil
	}
	list := filepath.Join(s.dir, "."+port+".list")
	s.lists[port] = list
	return os.WriteFile(list, []byte(strings.Join(s.inputs[port], "\n")+"\n"), 0o644)
}

// short gives the only file of a port its own name in the step's folder, too: both names are of the step's copy.
func (s *sandbox) short(port string, files []engine.File) error {
	if len(files) != 1 || files[0].Name == "" {
		return nil
	}
	at := filepath.Join(s.dir, filepath.FromSlash(files[0].Name))
	if exists(at) || filepath.Base(at) == metricsName {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		return nil // its folder's name is another input's
	}
	if os.Link(s.inputs[port][0], at) == nil {
		return nil
	}
	return place(s.inputs[port][0], at)
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// maxVariable is the longest value of an environment variable: Linux takes 128 KiB with the name.
const maxVariable = 120 << 10

// paths is the value of REIN_IN_port: absolute paths, one a line. Where they are too long together they are relative to the
// step's folder, and where those are, too, it is the folder that holds them: a program that wants files fails on that, rather
// than seeing none.
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

// place puts a copy of the file or folder src at dst. It is always a copy, never another name of the same file, because the owner of a file
// may write to it, whatever its mode.
func place(src, dst string) error {
	in, err := os.Open(src)
	if err != nil {
		return err
	}
	defer in.Close()
	fi, err := in.Stat()
	if err != nil {
		return err
	}
	if !fi.IsDir() {
		err := copyOpen(in, dst, fi)
		if errors.Is(err, fs.ErrNotExist) {
			if err := os.MkdirAll(filepath.Dir(dst), 0o755); err != nil {
				return err
			}
			err = copyOpen(in, dst, fi)
		}
		return err
	}
	if err := os.MkdirAll(filepath.Dir(dst), 0o755); err != nil {
		return err
	}
	if src, err = filepath.EvalSymlinks(src); err != nil { // or the walk stops at the link
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
		fi, err := os.Stat(p) // a link is followed: what it leads to is the content
		if err != nil {
			return err
		}
		if fi.IsDir() {
			return place(p, to)
		}
		return placeFile(p, to, fi)
	})
}

func placeFile(src, dst string, fi fs.FileInfo) error {
	in, err := os.Open(src)
	if err != nil {
		return err
	}
	defer in.Close()
	return copyOpen(in, dst, fi)
}

// smallCopy is the size of a file that is copied with one read and one write.
const smallCopy = 32 << 10

// copyOpen copies a file to dst, where nothing may be. The file is at its beginning, still if dst couldn't be made.
func copyOpen(in *os.File, dst string, fi fs.FileInfo) error {
	out, err := os.OpenFile(dst, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644|fi.Mode().Perm()&0o111)
	if err != nil {
		return err
	}
	if fi.Size() < smallCopy {
		block := blocks.Get().(*[]byte)
		defer blocks.Put(block)
		n, err := io.ReadFull(in, (*block)[:fi.Size()])
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) { // it shrank: the engine looks at it again after the step
			err = nil
		}
		_, werr := out.Write((*block)[:n])
		return errors.Join(err, werr, out.Close())
	}
	if _, err := io.Copy(out, in); err != nil { // the kernel shares the blocks where the file system can
		out.Close()
		return err
	}
	return out.Close()
}

var blocks = sync.Pool{New: func() any { b := make([]byte, smallCopy); return &b }}
