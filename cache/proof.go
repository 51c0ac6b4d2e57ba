package cache

import (
	"context"
	"time"
)

// When a blob's content is checked. Every use looks at its seal, which shows a write to a file in the store unless the writer set the time
// back. A blob that is handed out (Path, Publish) is also hashed, once in a process: always if it is at most a chunk, otherwise if its
// change time is another than when it was last hashed, or if that was longer than proofAge ago. So a large blob that decays on the disk
// without a trace is detected within twice that time, and a small one before it is used. `rein cache verify` hashes everything.

// proofAge is the age of a large blob's last check at which it is hashed again. Ages vary up to twice that, so that blobs aren't all due at
// the same time.
const proofAge = 14 * 24 * time.Hour

// trusts tells whether a sealed blob may be handed out as it is, and whether its last proof is too old.
func (s *Store) trusts(ctx context.Context, b Blob, t *tree) (ok, due bool, err error) {
	if ok = s.proven(b, t); ok || b.Size <= Chunk {
		return ok, false, nil
	}
	stamps := t.stamps()
	age := proofAge + proofAge*time.Duration(b.Digest[0])/256
	for _, st := range stamps {
		if time.Since(time.Unix(0, st.Ctime)) > age {
			return false, true, nil
		}
	}
	known, err := s.knownStamps(ctx, t.files, stamps)
	if err != nil {
		return false, false, err
	}
	for _, d := range known {
		if d.IsZero() {
			return false, false, nil
		}
	}
	return true, false, nil
}

// proven tells whether this process has hashed what a tree is, and it looks as it did then.
func (s *Store) proven(b Blob, t *tree) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	look, ok := s.proofs[b]
	return ok && look == t.look(t.stamps(), true)
}

// remember notes how a blob looks that this process has hashed.
func (s *Store) remember(b Blob, t *tree) {
	look := t.look(t.stamps(), true)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.proofs == nil {
		s.proofs = map[Blob]Digest{}
	}
	s.proofs[b] = look
}

// prove remembers that a tree, which was hashed just now, is b. A broken seal is made again, as a fresh one. One whose proof is due is
// sealed again, which dates the proof.
func (s *Store) prove(ctx context.Context, b Blob, t *tree, seal time.Time, due bool) error {
	if s.readOnly {
		s.remember(b, t)
		return nil
	}
	if !seal.Equal(sealed) {
		defer s.wrote(b)
	}
	if seal.IsZero() || due {
		at := fresh
		if due {
			at = sealed
		}
		if err := t.seal(at); err != nil {
			return err
		}
		now, err := readTree(t.root)
		if err != nil || !now.sealedAt(b, at) {
			return err
		}
		for i := range now.files {
			now.files[i].digest = t.files[i].digest
		}
		t = now
	}
	s.remember(b, t)
	if b.Size <= Chunk {
		return nil
	}
	stamps := t.stamps()
	return unlessFull(s.keepStamps(ctx, t, make([]Digest, len(stamps)), stamps, time.Now()))
}

// doubt hashes a blob, whatever is known of it, after a copy of it turned out to differ. The error is a *Miss.
func (s *Store) doubt(ctx context.Context, b Blob) error {
	t, err := readTree(s.blobPath(b))
	if err == nil {
		err = t.hash(ctx, nil)
	}
	if err != nil || t.blob() == b {
		return err
	}
	if !s.readOnly {
		if err := s.drop(s.blobPath(b)); err != nil {
			return err
		}
	}
	return &Miss{"blob", b.Digest.Short() + " is damaged: its content isn't what was written"}
}
