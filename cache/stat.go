package cache

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"time"

	"github.com/dgraph-io/badger/v4"
)

// stamp is what tells that a file hasn't been written since it was hashed.
type stamp struct {
	Size   int64  `json:"s"`
	Mtime  int64  `json:"m"` // ns
	Ctime  int64  `json:"c"` // ns
	Inode  uint64 `json:"i"`
	Device uint64 `json:"d"`
	Digest Digest `json:"h"`
}

// racy is how old a file's change must be before its times can be trusted: a second write in the same tick of the file
// system's clock would go unseen.
const racy = 50 * time.Millisecond

func (a stamp) same(b stamp) bool {
	a.Digest, b.Digest = Digest{}, Digest{}
	return a == b
}

func statKey(path string) []byte { return append([]byte{statTable}, path...) }

// HashPath hashes a file or a folder. Files whose size, times and inode are as they were when last hashed are not read.
func (s *Store) HashPath(ctx context.Context, path string) (Blob, error) {
	t, err := readTree(path)
	if err != nil {
		return Blob{}, err
	}
	known, stamps, err := s.knownStamps(ctx, t)
	if err != nil {
		return Blob{}, err
	}
	if err := t.hash(ctx, known); err != nil {
		return Blob{}, err
	}
	if !s.readOnly {
		if err := s.keepStamps(ctx, t, known, stamps); err != nil {
			return Blob{}, err
		}
	}
	return t.blob(), nil
}

// knownStamps returns the digests that the memo still vouches for, and the stamps of all files.
func (s *Store) knownStamps(ctx context.Context, t *tree) ([]Digest, []stamp, error) {
	known, stamps := make([]Digest, len(t.files)), make([]stamp, len(t.files))
	for i, f := range t.files {
		stamps[i] = stampOf(f.info)
	}
	err := s.index.use(ctx, func(db *badger.DB) error {
		return db.View(func(txn *badger.Txn) error {
			for i, f := range t.files {
				v, err := getSealed(txn, statKey(f.path))
				var miss *Miss
				if errors.As(err, &miss) {
					continue
				} else if err != nil {
					return err
				}
				var old stamp
				if json.Unmarshal(v, &old) == nil && old.same(stamps[i]) {
					known[i] = old.Digest
				}
			}
			return nil
		})
	})
	if errors.Is(err, errNoIndex) {
		err = nil
	}
	return known, stamps, err
}

// keepStamps remembers the files that were hashed, except those changed so lately that their times prove nothing.
func (s *Store) keepStamps(ctx context.Context, t *tree, known []Digest, stamps []stamp) error {
	now := time.Now()
	var fresh []int
	for i, st := range stamps {
		if known[i].IsZero() && now.Sub(time.Unix(0, max(st.Mtime, st.Ctime))) > racy {
			fresh = append(fresh, i)
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	return s.index.use(ctx, func(db *badger.DB) error {
		b := db.NewWriteBatch()
		defer b.Cancel()
		for _, i := range fresh {
			stamps[i].Digest = t.files[i].digest
			v, err := json.Marshal(stamps[i])
			if err != nil {
				return err
			}
			key := statKey(t.files[i].path)
			if err := b.Set(key, seal(key, v)); err != nil {
				return err
			}
		}
		return b.Flush()
	})
}

// plainStamp is the part of a stamp that every system knows.
func plainStamp(i fs.FileInfo) stamp { return stamp{Size: i.Size(), Mtime: i.ModTime().UnixNano()} }
