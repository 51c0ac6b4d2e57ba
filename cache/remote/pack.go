package remote

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

	"rein/cache"
)

// pack compresses the tar of a folder.
func pack(w io.Writer, path string) error {
	z, err := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		return err
	}
	return errors.Join(tarOf(z, path), z.Close())
}

// tarOf writes a folder as a tar of what its digest counts: the same bytes for the same digest, so that its parts are the same.
func tarOf(w io.Writer, path string) error {
	folders, files, err := cache.List(path)
	if err != nil {
		return err
	}
	t := tar.NewWriter(w)
	for _, name := range folders {
		if err := t.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Typeflag: tar.TypeDir}); err != nil {
			return err
		}
	}
	for _, f := range files {
		h := &tar.Header{Name: f.Name, Mode: 0o644, Size: f.Size, Typeflag: tar.TypeReg}
		if f.Exec {
			h.Mode = 0o755
		}
		if err := errors.Join(t.WriteHeader(h), copyIn(t, f.Path)); err != nil {
			return err
		}
	}
	return t.Close()
}

func copyIn(w io.Writer, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(w, f)
	return err
}

// errTooLong says that a download holds more than its entry says: it is not read to its end.
var errTooLong = errors.New("holds more than its entry says")

// unpack reads what pack wrote, to dst.
func unpack(r io.Reader, b cache.Blob, dst string) error {
	z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return err
	}
	defer z.Close()
	return untar(z, b, dst)
}

// untar writes no more bytes than the blob has, and nothing outside of dst.
func untar(r io.Reader, b cache.Blob, dst string) error {
	left := b.Size
	if err := os.Mkdir(dst, 0o755); err != nil {
		return err
	}
	t := tar.NewReader(r)
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		name := filepath.FromSlash(strings.TrimSuffix(h.Name, "/"))
		if !filepath.IsLocal(name) {
			return fmt.Errorf("the name %q leads out of its folder", h.Name)
		}
		path := filepath.Join(dst, name)
		switch h.Typeflag {
		case tar.TypeDir:
			err = os.Mkdir(path, 0o755)
		case tar.TypeReg:
			err = copyOut(t, path, 0o644|fs.FileMode(h.Mode)&0o111, &left)
		default:
			err = fmt.Errorf("%q is neither a file nor a folder", h.Name)
		}
		if err != nil {
			return err
		}
	}
}

// copyOut writes r to a new file, and takes its length off what is left.
func copyOut(r io.Reader, path string, mode fs.FileMode, left *int64) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	n, err := io.Copy(f, io.LimitReader(r, *left+1))
	if *left -= n; *left < 0 && err == nil {
		err = errTooLong
	}
	return errors.Join(err, f.Close())
}
