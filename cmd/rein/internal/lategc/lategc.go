// Package lategc switches garbage collection off before other packages allocate. What they make before main is hardly garbage, but it is more
// than the 4 MB at which Go collects for the first time; that collection took as much processor time as the rest of the start.
//
// Go initializes packages whose imports are initialized in the order of their paths. This one imports nothing, so it comes before package
// sync and before all that need it. With an import of runtime/debug it would come too late; hence the link name.
package lategc

import _ "unsafe" // for the link name

// Percent is what GOGC was: package main has to give it back to the runtime.
var Percent = setGCPercent(-1)

//go:linkname setGCPercent runtime/debug.setGCPercent
func setGCPercent(percent int32) int32
