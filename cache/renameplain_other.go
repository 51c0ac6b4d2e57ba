//go:build !unix

package cache

import "os"

// RenamePlain is os.Rename where to isn't a folder.
func RenamePlain(from, to string) error { return os.Rename(from, to) }
