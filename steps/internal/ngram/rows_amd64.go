package ngram

import "golang.org/x/sys/cpu"

var fast = cpu.X86.HasAVX2

// sumRowsAVX2 is sumRows for n > 0 ids and rows of dim values, a multiple of 8.
//
//go:noescape
func sumRowsAVX2(dst, table *float32, ids *int32, n, dim int)

// sumFoursAVX2 is SumRows for n > 0 ids, a multiple of 4, and rows of dim values, a multiple of 8. dst is zero.
//
//go:noescape
func sumFoursAVX2(dst, table *float32, ids *int32, n, dim int)

// moveRowsAVX2 is moveRows for n > 0 ids and rows of dim values, a multiple of 8.
//
//go:noescape
func moveRowsAVX2(table, accum, weights, grad *float32, ids *int32, n, dim int, size, rate, keep float32)
