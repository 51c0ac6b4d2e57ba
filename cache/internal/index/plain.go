package index

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
)

// NotPlain is the error of a path that holds neither a file nor a folder. To read one would wait for ever, or never end.
type NotPlain struct {
	Path string
	What string
}

func (n *NotPlain) Error() string {
	return fmt.Sprintf("%s is neither a file nor a folder but %s", n.Path, n.What)
}

// Plain returns a *NotPlain unless a path of this mode holds a file or a folder.
func Plain(path string, mode fs.FileMode) error {
	if what := Kind(mode); what != File && what != Folder {
		return &NotPlain{path, what}
	}
	return nil
}

// What Kind says of what may be opened.
const (
	File   = "a file"
	Folder = "a folder"
)

// Kind says what something of this mode is.
func Kind(mode fs.FileMode) string {
	switch {
	case mode.IsRegular():
		return File
	case mode.IsDir():
		return Folder
	case mode&fs.ModeSymlink != 0:
		return "a link"
	case mode&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	case mode&fs.ModeDevice != 0:
		return "a device"
	}
	return "something else"
}

// mostRead is more than any file has, in bytes, that rein reads at once. One that has more, as after a fault of the file system, would take
// all of the memory.
const mostRead = 1 << 29

// ReadPlain is os.ReadFile by OpenPlain.
func ReadPlain(path string) ([]byte, error) {
	f, size, err := openWhole(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var b bytes.Buffer
	b.Grow(size + bytes.MinRead)
	_, err = b.ReadFrom(f)
	return b.Bytes(), err
}

// ReadPlainText is ReadPlain of a text, which is in memory once.
func ReadPlainText(path string) (string, error) {
	f, size, err := openWhole(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	var b strings.Builder
	b.Grow(size)
	_, err = io.Copy(&b, f)
	return b.String(), err
}

// openWhole opens a file that is to be read at once.
func openWhole(path string) (f *os.File, size int, err error) {
	if f, err = OpenPlain(path, os.O_RDONLY, 0); err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err == nil && info.Size() > mostRead {
		err = fmt.Errorf("%s has %d bytes, far more than was written to it", path, info.Size())
	}
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	return f, int(info.Size()), nil
}
