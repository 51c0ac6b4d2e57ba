package ngram

import "math"

// Training and scoring spend most of their time in these loops over rows of a table. On amd64 with AVX2, assembly (rows_amd64.s) does them
// for rows of a multiple of 8 values. It gives the same bits, because it rounds each product and each sum separately.

// sumRows adds the table's rows at ids to dst, which has the length of a row.
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

// SumRows writes the sum of the table's rows at ids to dst, which has the length of a row. It adds in the order of ONNX Runtime's ReduceSum
// on x86-64: it first adds up each four rows, then adds their sum to the total. The number of ids must be a multiple of 4; fill up with id
// 0, whose row is zero.
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

// moveRows makes an AdaGrad step with the table's rows at ids. It adds size to each row's accumulator, multiplies the row by keep, and
// subtracts g times the row's weight times rate/sqrt(accumulator).
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
