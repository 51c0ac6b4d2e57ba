package bundle

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

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

// What an archive may unpack to: anybody may have made it.
const (
	maxFiles    = 10_000
	maxName     = 1000     // bytes
	maxDepth    = 32       // folders within each other
	maxUnpacked = 64 << 30 // bytes
	// maxRatio is how many times as long as the archive its files may be, above minUnpacked. Weights of models are hardly
	// compressible.
	maxRatio    = 100
	minUnpacked = 1 << 30
	maxWindow   = 128 << 20 // of the compression
)

// counted counts what is read of an archive.
type counted struct {
	io.Reader
	n int64
}

// Read implements io.Reader.
func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += int64(n)
	return n, err
}

// Extract puts the files of an archive into a folder, and nothing outside of it. An archive that unpacks to much more than it is
// long is refused.
func Extract(r io.Reader, dir string) error {
	in := &counted{Reader: r}
	z, err := zstd.NewReader(in, zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		return err
	}
	defer z.Close()
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	unpacked := int64(0)
	for t, n := tar.NewReader(z), 0; ; n++ {
		if n > maxFiles {
			return fmt.Errorf("it holds more than %d files: no package does", maxFiles)
		}
		h, err := t.Next()
		if errors.Is(err, io.EOF) && n > 0 {
			return nil
		}
		if err != nil {
			return fmt.Errorf("no tar.zst, or not whole: %w", err)
		}
		room := min(maxUnpacked, max(minUnpacked, maxRatio*in.n)) - unpacked
		size, err := extract(root, h, t, room)
		if err != nil {
			return fmt.Errorf("%.200q in the archive: %w", h.Name, err)
		}
		unpacked += size
	}
}

// extract unpacks one file of at most room bytes.
func extract(root *os.Root, h *tar.Header, r io.Reader, room int64) (int64, error) {
	switch h.Typeflag {
	case tar.TypeDir:
		return 0, nil // made with the files in it
	case tar.TypeReg:
	default:
		return 0, errors.New("neither a file nor a folder: a package holds no links")
	}
	if h.Size > room {
		return 0, fmt.Errorf("with its %d bytes the archive unpacks to much more than a package holds", h.Size)
	}
	if len(h.Name) > maxName || strings.Count(h.Name, "/") > maxDepth {
		return 0, errors.New("no file of a package has so long a name")
	}
	name := filepath.FromSlash(h.Name)
	if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return 0, err
	}
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if errors.Is(err, fs.ErrExist) {
		return 0, errors.New("it is in the archive twice")
	}
	if err != nil {
		return 0, err
	}
	n, err := io.Copy(f, r)
	return n, errors.Join(err, f.Close())
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
