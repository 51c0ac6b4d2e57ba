//go:build !linux && !darwin

package cache

func renameNew(from, to string) error { return renameChecked(from, to) }

func exchange(a, b, old string) error { return exchangeSlowly(a, b, old) }
