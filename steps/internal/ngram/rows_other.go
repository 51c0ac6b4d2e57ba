//go:build !amd64

package ngram

const fast = false

func sumRowsAVX2(dst, table *float32, ids *int32, n, dim int) { panic("ngram: no AVX2") }

func sumFoursAVX2(dst, table *float32, ids *int32, n, dim int) { panic("ngram: no AVX2") }

func moveRowsAVX2(table, accum, weights, grad *float32, ids *int32, n, dim int, size, rate, keep float32) {
	panic("ngram: no AVX2")
}
