//go:build !unix

package ort

// private returns nil: on these systems, only the user can write to the user's cache folder.
func private(string) error { return nil }
