package exec

import (
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"rein/steps"
)

// sandbox is the folder that a program runs in. It is HOME and TMPDIR too: what a program leaves lying about goes with
// it. An input is at its NAME if that is known, else at PORT; where that is taken, and for several files, in a folder PORT.
type sandbox struct {
	dir     string
	metrics string
	inputs  map[string][]string
}

const metricsName = ".metrics.json"

// newSandbox puts the inputs where the program finds them, and nothing else.
func newSandbox(env *steps.Env, in steps.Inputs) (*sandbox, error) {
	s := &sandbox{dir: env.Scratch(), inputs: map[string][]string{}}
	s.metrics = filepath.Join(s.dir, metricsName)
	for _, port := range slices.Sorted(maps.Keys(in)) { // in order: equal steps see equal paths
		for i, f := range env.Files(port) {
			name := filepath.FromSlash(f.Name)
			if name == "" && len(in[port]) > 1 {
				name = fmt.Sprintf("%04d", i)
			}
			if !filepath.IsLocal(filepath.Join(port, name)) {
				return nil, fmt.Errorf("input %s: %q would be outside the step's folder", port, name)
			}
			dst := filepath.Join(s.dir, port, name)
			if name != "" && len(in[port]) == 1 && !exists(filepath.Join(s.dir, name)) && !taken(in, name) {
				dst = filepath.Join(s.dir, name)
			}
			if exists(dst) { // two files of one name, from different folders
				dst = filepath.Join(s.dir, port, fmt.Sprintf("%04d", i), name)
			}
			if err := place(f.Path, dst); err != nil {
				return nil, fmt.Errorf("input %s: %w", port, err)
			}
			s.inputs[port] = append(s.inputs[port], dst)
		}
	}
	return s, nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// taken tells whether a file's name is a port's, or begins with one.
func taken(in steps.Inputs, name string) bool {
	first, _, _ := strings.Cut(filepath.ToSlash(name), "/")
	_, ok := in[first]
	return ok || name == metricsName
}

// linkFrom is the size from which a file is hard-linked rather than copied even if the program could write to it: the
// engine finds an input that changed during the step, and the store a blob that was written to.
const linkFrom = 64 << 20

// place puts a copy of the file or folder src at dst.
func place(src, dst string) error {
	if err := os.MkdirAll(filepath.Dir(dst), 0o755); err != nil {
		return err
	}
	fi, err := os.Stat(src)
	if err != nil {
		return err
	}
	if !fi.IsDir() {
		return placeFile(src, dst, fi)
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
	readOnly := fi.Mode().Perm()&0o222 == 0 && os.Geteuid() > 0 // and not for root, who may write to everything
	if (readOnly || fi.Size() >= linkFrom) && os.Link(src, dst) == nil {
		return nil
	}
	in, err := os.Open(src)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(dst, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644|fi.Mode().Perm()&0o111)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil { // the kernel shares the blocks where the file system can
		out.Close()
		return err
	}
	return out.Close()
}
