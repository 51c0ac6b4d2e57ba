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

// Archive writes a folder as tar.zst. The files are sorted by name and have no times, so equal folders give equal bytes.
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

// Limits of what an archive may unpack to, because it may come from an untrusted source.
const (
	maxFiles    = 10_000
	maxName     = 1000     // bytes
	maxDepth    = 32       // nested folders
	maxUnpacked = 64 << 30 // bytes
	// maxRatio limits the unpacked size to this many times the archive's size. It applies above minUnpacked bytes. Real packages stay far
	// below it, because weights hardly compress.
	maxRatio    = 100
	minUnpacked = 1 << 30
	maxWindow   = 128 << 20 // bytes of zstd's window, which the decoder keeps in memory
)

// counted is a reader that counts the bytes read from it.
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

// Extract unpacks an archive into a folder and writes nothing outside of it. It refuses an archive that unpacks to far more bytes than it
// has.
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
			return fmt.Errorf("it holds more than %d files, which no package does", maxFiles)
		}
		h, err := t.Next()
		if errors.Is(err, io.EOF) && n > 0 {
			return nil
		}
		if err != nil {
			return fmt.Errorf("not a tar.zst archive, or incomplete: %w", err)
		}
		room := min(maxUnpacked, max(minUnpacked, maxRatio*in.n)) - unpacked
		size, err := extract(root, h, t, room)
		if err != nil {
			return fmt.Errorf("%.200q in the archive: %w", h.Name, err)
		}
		unpacked += size
	}
}

// extract unpacks one file of at most room bytes and returns its size.
func extract(root *os.Root, h *tar.Header, r io.Reader, room int64) (int64, error) {
	switch h.Typeflag {
	case tar.TypeDir:
		return 0, nil // a folder is made along with the files in it
	case tar.TypeReg:
	default:
		return 0, errors.New("it is neither a file nor a folder: packages hold no links")
	}
	if h.Size > room {
		return 0, fmt.Errorf("with its %d bytes, the archive unpacks to much more than any package", h.Size)
	}
	if len(h.Name) > maxName || strings.Count(h.Name, "/") > maxDepth {
		return 0, errors.New("its name is too long for a file of a package")
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

// Folder returns the folder of a package. An archive is unpacked into a temporary folder, which done removes.
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
	done = func() { _ = os.RemoveAll(dir) } // if this fails, the rest stays in the system's temporary folder
	if err := Extract(f, dir); err != nil {
		done()
		return "", nil, fmt.Errorf("%s: %w", path, err)
	}
	return dir, done, nil
}
