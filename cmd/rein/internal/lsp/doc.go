// Package lsp is a language server for pipeline files: it answers an editor's questions over JSON-RPC, as the Language
// Server Protocol 3.17 has them.
//
// What a question means is answered by package lang, which loads the files with the editor's unsaved text over those on
// disk. This package keeps that text, turns places into lines and UTF-16 columns and back, and decides when to load.
//
//	server.go     connection, requests and notifications, cancellation
//	text.go       the text of a file, incremental edits, places in UTF-16
//	workspace.go  snapshot: the files as they are between two edits, and the programs loaded of them, each once
//	check.go      diagnostics, in the background, of every pipeline that an open file is part of
//	status.go     what the store knows of the steps, in the background; a request never waits for it
//
// The other files answer one kind of request each. A snapshot never changes, so requests run side by side, and an edit
// that comes in meanwhile makes the next snapshot.
package lsp
