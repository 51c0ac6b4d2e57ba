//go:build !(linux && amd64) && !(linux && arm64) && !(darwin && amd64) && !(darwin && arm64)

package ort

// carried is empty: the library has to lie beside the program, or be named.
var carried library
