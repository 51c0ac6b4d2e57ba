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

// tarOf writes a folder as a tar: the same bytes for the same content, so that its parts are the same.
func tarOf(w io.Writer, path string) error {
	t := tar.NewWriter(w)
	err := filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
		if err != nil || p == path {
			return err
		}
		return packOne(t, path, p, d)
	})
	return errors.Join(err, t.Close())
}

func packOne(t *tar.Writer, root, path string, d fs.DirEntry) error {
	if !d.IsDir() && !d.Type().IsRegular() {
		return fmt.Errorf("%s is a %s: only files and folders can be shared", path, d.Type())
	}
	info, err := d.Info()
	if err != nil {
		return err
	}
	name, err := filepath.Rel(root, path)
	if err != nil {
		return err
	}
	h := &tar.Header{Name: filepath.ToSlash(name), Mode: int64(info.Mode().Perm()), Typeflag: tar.TypeDir}
	if !d.IsDir() {
		h.Typeflag, h.Size = tar.TypeReg, info.Size()
	}
	if err := t.WriteHeader(h); err != nil || d.IsDir() {
		return err
	}
	return copyIn(t, path)
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
