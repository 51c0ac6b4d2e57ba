package cache

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// BenchmarkWarmFolder checks again a folder of 100,000 files that was hashed before.
func BenchmarkWarmFolder(b *testing.B) {
	s := open(b, b.TempDir(), Options{})
	dir := b.TempDir()
	for i := range 100_000 {
		write(b, filepath.Join(dir, fmt.Sprintf("%03d", i/1000), fmt.Sprint(i)), "x")
	}
	time.Sleep(2 * racy) // files just written are not remembered
	if _, err := s.HashPath(b.Context(), dir); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := s.HashPath(b.Context(), dir); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkHashLarge hashes 1 GiB that is in the page cache.
func BenchmarkHashLarge(b *testing.B) {
	path := filepath.Join(b.TempDir(), "large")
	if err := os.WriteFile(path, make([]byte, 1<<30), 0o644); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(1 << 30)
	for b.Loop() {
		if _, err := HashPath(b.Context(), path); err != nil {
			b.Fatal(err)
		}
	}
}
