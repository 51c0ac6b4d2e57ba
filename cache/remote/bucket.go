package remote

import (
	"context"
	"io"
	"iter"
	"time"
)

// Bucket is a place for objects, each under a name like "entry/1f3a". Its errors are fs.ErrNotExist, fs.ErrPermission and
// fs.ErrInvalid where the answer is final, and any other where asking again may help. Its methods are safe for concurrent use.
type Bucket interface {
	// Get opens an object. The caller closes its Body.
	Get(ctx context.Context, name string) (*Object, error)
	// Put writes an object atomically.
	Put(ctx context.Context, name string, content []byte) error
	// Has tells whether an object exists.
	Has(ctx context.Context, name string) (bool, error)
	// Delete removes an object. Without such an object it returns fs.ErrNotExist or nil.
	Delete(ctx context.Context, name string) error
	// List goes through the objects whose names have the prefix. It ends at the first error.
	List(ctx context.Context, prefix string) iter.Seq2[Item, error]
	Close() error
}

// Object is an object that is being read.
type Object struct {
	Body     io.ReadCloser
	Size     int64     // in bytes; -1: unknown
	Modified time.Time // the zero time: unknown
}

// Item is an object in a listing.
type Item struct {
	Name     string
	Size     int64 // in bytes
	Modified time.Time
}
