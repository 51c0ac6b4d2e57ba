package index

import (
	"fmt"
	"io"
	"io/fs"
	"os"
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

// ReadPlain is os.ReadFile by OpenPlain.
func ReadPlain(path string) ([]byte, error) {
	f, err := OpenPlain(path, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}
