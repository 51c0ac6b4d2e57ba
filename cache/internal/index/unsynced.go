package index

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/table"
)

// dropUnsynced cuts records off the end of the manifest that list tables which don't exist. When Badger can't make such a record durable,
// it removes the table and leaves the record. The table's content is still in a log of what was written last (.mem).
func dropUnsynced(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !slices.ContainsFunc(entries, func(e fs.DirEntry) bool { return filepath.Ext(e.Name()) == ".mem" }) {
		return nil
	} else if err != nil {
		return err
	}
	listed, err := listedTables(dir)
	if err != nil || !slices.ContainsFunc(listed, func(id uint64) bool { return !exists(dir, id) }) {
		return nil // as nearly always; the check of the tables says what is damaged
	}
	path := filepath.Join(dir, badger.ManifestFilename)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	size := len(b)
	for {
		last := lastRecord(b)
		without, err := tablesOf(b[:last])
		if err != nil || last == len(b) {
			break // Badger says what is wrong with it
		}
		with, err := tablesOf(b)
		if err != nil || !onlyMissing(dir, with, without) {
			break
		}
		b = b[:last]
	}
	if len(b) == size {
		return nil
	}
	return os.Truncate(path, int64(len(b)))
}

// lastRecord is where the last whole record of a manifest begins; its length where it has none. A record is a length of 4 bytes, a
// checksum of 4, and so many bytes.
func lastRecord(manifest []byte) (last int) {
	const header, head = 8, 8
	last = len(manifest)
	for at := header; len(manifest)-at >= head; {
		next := at + head + int(binary.BigEndian.Uint32(manifest[at:]))
		if next > len(manifest) {
			break
		}
		last, at = at, next
	}
	return last
}

// tablesOf are the tables that a manifest lists.
func tablesOf(manifest []byte) (map[uint64]badger.TableManifest, error) {
	f, err := os.CreateTemp("", "rein-manifest-")
	if err != nil {
		return nil, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	if _, err := f.WriteAt(manifest, 0); err != nil {
		return nil, err
	}
	m, _, err := badger.ReplayManifestFile(f, 0, badger.DefaultOptions(""))
	return m.Tables, err
}

// onlyMissing tells whether the last record lists tables, and none of them exists.
func onlyMissing(dir string, with, without map[uint64]badger.TableManifest) bool {
	some := false
	for id := range with {
		if _, ok := without[id]; ok {
			continue
		}
		if exists(dir, id) {
			return false
		}
		some = true
	}
	return some
}

// exists tells whether a table has a file, or may have one.
func exists(dir string, id uint64) bool {
	_, err := os.Stat(table.NewFilename(id, dir))
	return !errors.Is(err, fs.ErrNotExist)
}
