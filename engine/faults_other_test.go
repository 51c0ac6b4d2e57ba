//go:build !linux

package engine_test

import "rein/engine"

// brokenAt needs a kernel that refuses calls on demand; nothing asks for it elsewhere.
func brokenAt(o engine.Options, _ string) engine.Options { return o }
