package cache

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"syscall"
	"time"

	"rein/cache/internal/index"
)

// How old a file's change must be before its times can be trusted: a second write in the same tick of the file system's clock
// would go unseen. A time without a fraction of a second may be of a file system that has none, or even ones only (FAT).
const (
	racy       = 50 * time.Millisecond
	racyCoarse = 2*time.Second + racy
)

// timesTrusted tells whether the file's times can be trusted, had its content been read from that moment on.
func (a stamp) timesTrusted(read time.Time) bool {
	return old(a.Mtime, read) && old(a.Ctime, read)
}

func old(changed int64, read time.Time) bool {
	tick := racy
	if changed%int64(time.Second) == 0 {
		tick = racyCoarse
	}
	return read.Sub(time.Unix(0, changed)) > tick
}

func (a stamp) same(b stamp) bool {
	a.Digest, b.Digest = Digest{}, Digest{}
	return a == b
}

func statKey(path string) []byte { return append([]byte{statTable}, path...) }

// HashPath hashes a file or a folder. Files whose size, times and inode are as they were when last hashed are not read;
// of a folder in which nothing changed, not even what is known of its files.
func (s *Store) HashPath(ctx context.Context, path string) (Blob, error) {
	seen, err := s.See(ctx, path)
	return seen.Blob, err
}

// Seen is a file or a folder as it was when it was hashed. It is another one if something in it was written to since, even
// if the content is what it was.
type Seen struct {
	Blob Blob
	look Digest
}

// See is HashPath for a caller that will look again.
func (s *Store) See(ctx context.Context, path string) (seen Seen, err error) {
	state, _ := os.Stat(s.dir) // of a store that isn't there yet: nil
	t, err := readTreeWithout(path, state)
	if err != nil {
		return seen, err
	}
	stamps := t.stamps()
	// Another name for a file, which steps may give it, moves its ctime.
	seen.look = t.look(stamps, false)
	var ok bool
	if seen.Blob, ok = s.recalledAt(path, t); ok {
		return seen, nil
	}
	if t.dir {
		if seen.Blob, ok, err = s.knownFolder(ctx, t, t.look(stamps, true)); err != nil || ok {
			return seen, err
		}
	}
	if err := s.hashKnown(ctx, t, stamps); err != nil {
		return seen, err
	}
	seen.Blob = t.blob()
	return seen, nil
}

// SeeKnown is See of those paths that are files and look as they did when they were last hashed: ok says which. It reads no file, and
// looks at the index at most once.
func (s *Store) SeeKnown(ctx context.Context, paths []string) (seen []Seen, ok []bool, err error) {
	seen, ok = make([]Seen, len(paths)), make([]bool, len(paths))
	var trees []*tree
	var at []int // of paths
	var files []treeFile
	for i, path := range paths {
		t, err := readRoot(path)
		if err != nil || t.dir {
			continue // See says what is wrong
		}
		if b, found := s.recalledAt(path, t); found {
			seen[i], ok[i] = Seen{b, t.look(t.stamps(), false)}, true
			continue
		}
		trees, at, files = append(trees, t), append(at, i), append(files, t.files...)
	}
	if len(files) == 0 {
		return seen, ok, nil
	}
	stamps := stampsOf(files)
	known, err := s.knownStamps(ctx, files, stamps)
	if err != nil {
		return nil, nil, err
	}
	for i, t := range trees {
		if !known[i].IsZero() {
			t.files[0].digest = known[i]
			seen[at[i]], ok[at[i]] = Seen{t.blob(), t.look(stamps[i:i+1], false)}, true
		}
	}
	return seen, ok, nil
}

// knownStamps returns the digests of the files that look as they did when they were hashed; zero for the others.
func (s *Store) knownStamps(ctx context.Context, files []treeFile, stamps []stamp) ([]Digest, error) {
	known := make([]Digest, len(files))
	err := s.view(ctx, func(txn *index.Txn) error {
		for i, f := range files {
			var old stamp
			found, err := getJSON(txn, statKey(f.path), &old)
			if err != nil {
				return err
			}
			if found && old.same(stamps[i]) {
				known[i] = old.Digest
			}
		}
		return nil
	})
	return known, err
}

// hashKnown hashes the files of a tree that the memo doesn't know, and has it know them.
func (s *Store) hashKnown(ctx context.Context, t *tree, stamps []stamp) error {
	known, err := s.knownStamps(ctx, t.files, stamps)
	if err != nil {
		return err
	}
	began := time.Now()
	if err := t.hash(ctx, known); err != nil || s.readOnly || t.small() {
		return err
	}
	if err := s.keepStamps(ctx, t, known, stamps, began); err != nil {
		return unlessFull(err)
	}
	return unlessFull(s.keepFolder(ctx, t, stamps, began))
}

// smallTree is up to how many bytes a tree isn't remembered: to hash it again costs less than a write to the index.
var smallTree int64 = 1 << 20

// small tells whether a tree isn't remembered.
func (t *tree) small() bool {
	const perFile = 4 << 10 // opening a file takes as long as hashing some bytes
	return t.size()+perFile*int64(len(t.files)) < smallTree
}

// unlessFull drops the error of a full disk: what isn't remembered is found out again.
func unlessFull(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return nil
	}
	return err
}

// folderMemo is what is kept of a folder as a whole.
type folderMemo struct {
	Look Digest `json:"look"` // of names and stamps
	Blob Blob   `json:"blob"`
}

// folderKey can't be a file's: no path ends in a slash.
func folderKey(path string) []byte { return append(statKey(path), '/') }

// knownFolder returns a folder's identity if it looks as it did when that was found.
func (s *Store) knownFolder(ctx context.Context, t *tree, look Digest) (b Blob, ok bool, err error) {
	err = s.view(ctx, func(txn *index.Txn) error {
		var m folderMemo
		found, err := getJSON(txn, folderKey(t.root), &m)
		if found && m.Look == look {
			b, ok = m.Blob, true
		}
		return err
	})
	return b, ok, err
}

// keepFolder remembers a folder's identity, unless one of its files was changed so lately that its times prove nothing.
func (s *Store) keepFolder(ctx context.Context, t *tree, stamps []stamp, began time.Time) error {
	if !t.dir || slices.ContainsFunc(stamps, func(st stamp) bool { return !st.timesTrusted(began) }) {
		return nil
	}
	v, err := json.Marshal(folderMemo{t.look(stamps, true), t.blob()})
	if err != nil {
		return err
	}
	return s.indexError(s.index.Update(ctx, func(txn *index.Txn) error { return txn.Set(folderKey(t.root), v) }))
}

// keepStamps remembers the files that were hashed, except those changed so lately that their times prove nothing.
func (s *Store) keepStamps(ctx context.Context, t *tree, known []Digest, stamps []stamp, began time.Time) error {
	var fresh []int
	for i, st := range stamps {
		if known[i].IsZero() && st.timesTrusted(began) {
			fresh = append(fresh, i)
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	return s.indexError(s.index.Write(ctx, func(b *index.Batch) error {
		for _, i := range fresh {
			stamps[i].Digest = t.files[i].digest
			v, err := json.Marshal(stamps[i])
			if err != nil {
				return err
			}
			if err := b.Set(statKey(t.files[i].path), v); err != nil {
				return err
			}
		}
		return nil
	}))
}
