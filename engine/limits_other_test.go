//go:build !unix

package engine_test

func applyLimit() error { return nil }
