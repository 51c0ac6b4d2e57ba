// Package pipelines holds the strategies that ship, so that rein works from anywhere.
package pipelines

import "embed"

// FS has the *.hcl files of this folder at its root, and those in beyond.
//
//go:embed *.hcl beyond/*.hcl
var FS embed.FS
