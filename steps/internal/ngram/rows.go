package ngram

import "math"

// The two loops that training spends its time in, over rows of a table. On amd64 with AVX2 and rows of a multiple of 8
// values they are in assembly (rows_amd64.s), with the same results to the bit: products and sums are rounded one by one.

// sumRows adds the table's rows of the ids to dst, which has a row's length.
func sumRows(dst, table []float32, ids []int32) {
	dim := len(dst)
	if fast && dim%8 == 0 && len(ids) > 0 {
		sumRowsAVX2(&dst[0], &table[0], &ids[0], len(ids), dim)
		return
	}
	for _, id := range ids {
		for j, v := range table[int(id)*dim:][:dim] {
			dst[j] += v
		}
	}
}

// moveRows takes an AdaGrad step with each of the table's rows of the ids: size is added to the row's accumulator,
// and the row, shrunk by keep, moves by rate/sqrt(accumulator), times its weight, against g.
func moveRows(table, accum, weights, g []float32, ids []int32, size, rate, keep float32) {
	dim := len(g)
	if fast && dim%8 == 0 && len(ids) > 0 {
		moveRowsAVX2(&table[0], &accum[0], &weights[0], &g[0], &ids[0], len(ids), dim, size, rate, keep)
		return
	}
	for _, id := range ids {
		accum[id] += size
		step := float32(rate/float32(math.Sqrt(float64(accum[id])))) * weights[id]
		row := table[int(id)*dim:][:dim]
		for j, v := range g {
			row[j] = float32(row[j]*keep) - float32(step*v)
		}
	}
}
