package cache

import (
	"context"
	"errors"

	"rein/cache/internal/index"
)

func memoKey(k Digest) []byte { return append([]byte{memoTable}, k[:]...) }

// GetMany returns the value of each row key, in the keys' order; nil if there is none.
func (s *Store) GetMany(ctx context.Context, keys []Digest) ([][]byte, error) {
	out := make([][]byte, len(keys))
	err := s.view(ctx, func(txn *index.Txn) error {
		for i, k := range keys {
			v, err := getValue(txn, memoKey(k))
			var miss *Miss
			if errors.As(err, &miss) {
				continue
			} else if err != nil {
				return err
			}
			out[i] = v
		}
		return nil
	})
	return out, err
}

// mostMemo is the largest value that is kept for a row, in bytes. A larger one is computed again.
const mostMemo = 1 << 20

// PutMany keeps values by row key. Values are small: answers, scores, variations of one row.
func (s *Store) PutMany(ctx context.Context, keys []Digest, values [][]byte) error {
	if s.readOnly {
		return errReadOnly
	}
	return s.indexError(s.index.Write(ctx, func(b *index.Batch) error {
		for i, k := range keys {
			if len(values[i]) > mostMemo {
				continue
			}
			if err := b.Set(memoKey(k), values[i]); err != nil {
				return err
			}
		}
		return nil
	}))
}
