package bundle

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/zstd"
)

// Archive writes a folder as tar.zst, its files in the order of their names and without times: equal folders give equal bytes.
func Archive(w io.Writer, dir string) error {
	z, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return err
	}
	t := tar.NewWriter(z)
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := t.WriteHeader(&tar.Header{Name: filepath.ToSlash(name), Mode: 0o644, Size: int64(len(b)), Typeflag: tar.TypeReg}); err != nil {
			return err
		}
		_, err = t.Write(b)
		return err
	})
	return errors.Join(err, t.Close(), z.Close())
}

// Extract puts the files of an archive into a folder, and nothing outside of it.
func Extract(r io.Reader, dir string) error {
	z, err := zstd.NewReader(r)
	if err != nil {
		return err
	}
	defer z.Close()
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	for t, n := tar.NewReader(z), 0; ; n++ {
		h, err := t.Next()
		if errors.Is(err, io.EOF) && n > 0 {
			return nil
		}
		if err != nil {
			return fmt.Errorf("no tar.zst, or not whole: %w", err)
		}
		if err := extract(root, h, t); err != nil {
			return fmt.Errorf("%q in the archive: %w", h.Name, err)
		}
	}
}

func extract(root *os.Root, h *tar.Header, r io.Reader) error {
	switch h.Typeflag {
	case tar.TypeDir:
		return nil // made with the files in it
	case tar.TypeReg:
	default:
		return errors.New("neither a file nor a folder: a package holds no links")
	}
	name := filepath.FromSlash(h.Name)
	if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := root.Create(name)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	return errors.Join(err, f.Close())
}

// Folder gives the folder of a package that is a folder already, or an archive, whose files it puts into one that done removes.
func Folder(path string) (dir string, done func(), err error) {
	st, err := os.Stat(path)
	if err != nil || st.IsDir() {
		return path, func() {}, err
	}
	f, err := os.Open(path)
	if err != nil {
		return "", nil, err
	}
	defer f.Close()
	if dir, err = os.MkdirTemp("", "rein-package-*"); err != nil {
		return "", nil, err
	}
	done = func() { _ = os.RemoveAll(dir) } // what is left lies in the system's folder for temporary files
	if err := Extract(f, dir); err != nil {
		done()
		return "", nil, fmt.Errorf("%s: %w", path, err)
	}
	return dir, done, nil
}
