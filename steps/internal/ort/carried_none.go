//go:build !(linux && amd64) && !(linux && arm64) && !(darwin && amd64) && !(darwin && arm64)

package ort

// carried is empty: on this platform, the user has to put the library beside the program, or set LibraryEnv.
var carried library
