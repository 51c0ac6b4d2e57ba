package index

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/dgraph-io/badger/v4"
)

// spareFiles is how many files Badger opens besides those of its folder. It was found by counting.
const spareFiles = 12

// openable makes sure that all files of the index are files, are no larger than Badger makes them, and can be open at the same time. Badger
// would wait for the other end of a named pipe, would read a huge file for hours or into memory, and ends the process when it can't open one.
func openable(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, e := range entries {
		if err := plainEntry(dir, e); err != nil && !Outside(err) {
			return &Damage{err.Error()}
		} else if err != nil {
			return err
		}
	}
	n := len(entries) + spareFiles
	if err := canOpen(n); err != nil {
		return fmt.Errorf("the index needs %d open files: %w", n, err)
	}
	return nil
}

// plainEntry returns an error unless an entry of a folder is, or leads to, a folder or a file that isn't too large.
func plainEntry(dir string, e fs.DirEntry) error {
	path := filepath.Join(dir, e.Name())
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) && e.Type()&fs.ModeSymlink == 0 { // a writer has removed it
		return nil
	} else if err != nil {
		return err
	}
	if most := mostBytes(e.Name()); !info.IsDir() && info.Size() > most {
		return fmt.Errorf("%s: has %d bytes, and Badger makes none with more than %d", path, info.Size(), most)
	}
	return Plain(path, info.Mode())
}

// mostBytes is the size that a file of the index never reaches. Tables and logs have some megabytes, old tables up to 128; the others are small.
func mostBytes(name string) int64 {
	switch name {
	case badger.KeyRegistryFileName:
		return 64 << 10
	case badger.ManifestFilename:
		return 64 << 20
	}
	return 256 << 20
}

// Badger writes through memory maps, and on a full disk that ends the process (SIGBUS). So Badger is opened for writing only if there is
// room for what it may write. It isn't closed, which also writes, if there isn't even room for that.
const (
	roomToWrite = 48 << 20
	roomToClose = 12 << 20
)

// hasRoom returns syscall.ENOSPC unless n bytes are free on the disk of the index.
func hasRoom(dir string, n int64) error {
	if free, known := freeBytes(dir); known && free < n {
		return fmt.Errorf("the index of results needs %d MiB of room, and has %d: %w", n>>20, free>>20, syscall.ENOSPC)
	}
	return nil
}
