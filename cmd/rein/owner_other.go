//go:build !unix

package main

import "io/fs"

// ownedByUs: the folder for temporary files is the user's own here.
func ownedByUs(fs.FileInfo) bool { return true }
