// Package cache keeps the results of steps: an index (Badger) from ActionID to outputs, outputs as plain files under
// their hash, run records, leases. Any part of it may be lost, torn or changed: what can't be proven good is a Miss
// with its reason, and the work is done again.
//
//	.rein/index/        Badger: entries, stat memo, row memo
//	.rein/blobs/ab/abcd content under its digest, read-only; a folder is a tree
//	.rein/runs/ID.json  run records
//	.rein/loads/        what loads made of pipeline files (package lang)
//	.rein/settled/      what ended runs left for runs with nothing to do (package engine)
//	.rein/leases/       a file whose bytes are locks, held by the kernel: a dead process holds nothing
//	.rein/scratch/      work in progress; checkpoints/ outlive a killed run
//
// What is written goes blob first, index last, and gets to the disk at sync points (Sync). The index is internal/index, which says what it promises.
//
// Words: ActionID is the digest of a step's key; OutputID that of its content; a Blob is content in the store; an Entry
// is the index's line for an ActionID; a lease is the right to make one ActionID's result.
package cache
