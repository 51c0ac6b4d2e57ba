package cache

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"rein/cache/internal/index"
)

// Problem is something in the state folder that isn't what was written.
type Problem struct {
	What     string `json:"what"` // "blob", "entry", "memo", "stat", "run", "index"
	Name     string `json:"name"`
	Text     string `json:"text"`
	Repaired bool   `json:"repaired"`
}

// Verify reads everything in the store and says what is damaged. With repair it removes that: it will be made again.
// progress is called with the bytes read so far.
func (s *Store) Verify(ctx context.Context, repair bool, progress func(done, total int64)) ([]Problem, error) {
	if repair && s.readOnly {
		return nil, errReadOnly
	}
	var problems []Problem
	blobs, err := s.blobs()
	if err != nil {
		return nil, err
	}
	var done, total int64
	for _, b := range blobs {
		total += b.size
	}
	for _, b := range blobs {
		p, err := s.verifyBlob(ctx, b, repair)
		if err != nil {
			return problems, err
		}
		if p != nil {
			problems = append(problems, *p)
		}
		done += b.size
		if progress != nil {
			progress(done, total)
		}
	}
	more, err := s.verifyIndex(ctx, repair)
	problems = append(problems, more...)
	if err != nil {
		return problems, err
	}
	runs, err := s.verifyRuns(repair)
	return append(problems, runs...), err
}

// storedBlob is a blob as it lies in the store.
type storedBlob struct {
	digest  Digest
	path    string
	size    int64 // as it lies
	tree    *tree // nil where something lies that the store never writes
	odd     *Miss // which says what
	pressed bool
	exec    bool
}

// blobs lists the store's blobs; what has no digest for a name is left out.
func (s *Store) blobs() ([]storedBlob, error) {
	root := filepath.Join(s.dir, blobsDir)
	shelves, err := os.ReadDir(root)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	var out []storedBlob
	for _, shelf := range shelves {
		names, err := os.ReadDir(filepath.Join(root, shelf.Name()))
		if noFolder(err) {
			continue // it holds no blobs
		} else if err != nil {
			return nil, err
		}
		for _, n := range names {
			name, pressed := trimPressed(n.Name())
			name, exec := strings.CutSuffix(name, execExt)
			d, err := ParseDigest(name)
			if err != nil {
				continue
			}
			path := filepath.Join(root, shelf.Name(), n.Name())
			t, err := readStored(path)
			var odd *Miss
			switch {
			case errors.Is(err, fs.ErrNotExist):
				continue // gone meanwhile
			case err != nil && !errors.As(err, &odd):
				return nil, err
			}
			b := storedBlob{digest: d, path: path, tree: t, odd: odd, pressed: pressed, exec: exec}
			if t != nil {
				b.size = t.size()
			}
			out = append(out, b)
		}
	}
	return out, nil
}

func (s *Store) verifyBlob(ctx context.Context, b storedBlob, repair bool) (*Problem, error) {
	p := &Problem{What: "blob", Name: b.digest.Short()}
	if b.odd != nil {
		p.Text = b.odd.Reason
	} else {
		got, err := b.content(ctx)
		if err != nil || got == b.digest {
			return nil, err
		}
		p.Text = "its content has the digest " + got.Short()
	}
	if repair {
		if err := s.drop(b.path); err != nil {
			return nil, err
		}
		p.Repaired = true
	}
	return p, nil
}

// content is the digest of what a blob holds now; that of nothing where it can't be inflated.
func (b *storedBlob) content(ctx context.Context) (Digest, error) {
	if b.pressed {
		d, err := inflate(ctx, b.path, io.Discard)
		if err != nil && !Outside(err) && ctx.Err() == nil {
			return Digest{}, nil
		}
		return d, err
	}
	if err := b.tree.hash(ctx, nil); err != nil {
		return Digest{}, err
	}
	return b.tree.blob().Digest, nil
}

// tableNames are the index's tables whose values have a checksum.
var tableNames = map[byte]string{entryTable: "entry", statTable: "stat", memoTable: "memo"}

// verifyIndex checks the checksum of every value.
func (s *Store) verifyIndex(ctx context.Context, repair bool) ([]Problem, error) {
	var problems []Problem
	var bad [][]byte
	err := s.view(ctx, func(txn *index.Txn) error {
		for key := range txn.Keys(nil) {
			name, ok := tableNames[key[0]]
			if !ok {
				continue
			}
			if _, err := getValue(txn, key); err != nil {
				var miss *Miss
				if !errors.As(err, &miss) {
					return err
				}
				bad = append(bad, bytes.Clone(key))
				problems = append(problems, Problem{What: name, Name: keyName(key), Text: miss.Reason, Repaired: repair})
			}
		}
		return ctx.Err()
	})
	var damage *index.Damage
	if errors.As(err, &damage) {
		return append(problems, Problem{What: "index", Name: indexDir, Text: damage.Reason + "; " + makesAnew}), nil
	}
	if err == nil && repair && len(bad) > 0 {
		s.replaced.Store(true)
		err = s.indexError(s.index.Write(ctx, func(b *index.Batch) error {
			for _, k := range bad {
				if err := b.Delete(k); err != nil {
					return err
				}
			}
			return nil
		}))
	}
	for _, dir := range s.SetAside() {
		if repair {
			err = errors.Join(err, os.RemoveAll(dir))
		}
		problems = append(problems, Problem{What: "index", Name: filepath.Base(dir), Text: "could not be read; a new one is in its place", Repaired: repair})
	}
	return problems, err
}

// keyName is a key for people: a short digest, or a path.
func keyName(key []byte) string {
	if key[0] == statTable {
		return string(key[1:])
	}
	if len(key) == 1+len(Digest{}) {
		return Digest(key[1:]).Short()
	}
	return fmt.Sprintf("%x", key[1:])
}

// verifyRuns checks that run records are JSON. A broken one is kept under another name: it is somebody's history.
func (s *Store) verifyRuns(repair bool) ([]Problem, error) {
	ids, err := s.Runs()
	if err != nil {
		return nil, err
	}
	var problems []Problem
	for _, id := range ids {
		b, err := s.ReadRun(id)
		if Outside(err) {
			return problems, err
		}
		if err == nil && validJSON(b) {
			continue
		}
		p := Problem{What: "run", Name: id, Text: "its record isn't JSON"}
		if err != nil {
			p.Text = "its record can't be read: " + err.Error()
		}
		if repair {
			path := filepath.Join(s.dir, runsDir, id+".json")
			if err := os.Rename(path, strings.TrimSuffix(path, ".json")+".broken"); err != nil {
				return problems, err
			}
			p.Repaired = true
		}
		problems = append(problems, p)
	}
	return problems, nil
}
