package ngram

import "math"

// The loops that training and scoring spend their time in, over rows of a table. On amd64 with AVX2 and rows of a multiple of 8
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

// SumRows adds up the table's rows of the ids, in the order in which ONNX Runtime's ReduceSum does on x86-64: each four rows one after
// the other, then the sums of four likewise. dst has a row's length. The ids are a multiple of 4: id 0, whose row is zero, fills up.
func SumRows(dst, table []float32, ids []int32) {
	clear(dst)
	dim := len(dst)
	if fast && dim%8 == 0 && len(ids) > 0 {
		sumFoursAVX2(&dst[0], &table[0], &ids[0], len(ids), dim)
		return
	}
	if dim == 2 {
		var x, y float32
		for ; len(ids) >= 4; ids = ids[4:] {
			a, b, c, d := table[2*ids[0]:], table[2*ids[1]:], table[2*ids[2]:], table[2*ids[3]:]
			x += ((a[0] + b[0]) + c[0]) + d[0]
			y += ((a[1] + b[1]) + c[1]) + d[1]
		}
		dst[0], dst[1] = x, y
		return
	}
	for ; len(ids) > 0; ids = ids[4:] {
		a, b := table[int(ids[0])*dim:][:dim], table[int(ids[1])*dim:][:dim]
		c, d := table[int(ids[2])*dim:][:dim], table[int(ids[3])*dim:][:dim]
		for j := range dst {
			dst[j] += ((a[j] + b[j]) + c[j]) + d[j]
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
