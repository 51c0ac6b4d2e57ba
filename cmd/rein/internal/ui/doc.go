// Package ui serves a page about pipelines and their runs to a browser on the same machine: runs as they go, history, comparisons,
// the rows behind a figure, the review of new rows, plans of edited files. It reads and never runs anything; only a review writes, to
// the file that rein review writes to.
//
// Pages are HTML made here. Scripts only add what HTML can't do: they follow runs by server-sent events, and send what is typed. All
// that comes from rows, logs and files is text to both, never markup.
package ui
