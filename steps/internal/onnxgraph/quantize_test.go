package onnxgraph

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// A quantised value differs from the original by at most half a step, and zero stays zero.
func TestQuantizeIsNear(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows, columns := rapid.IntRange(1, 6).Draw(t, "rows"), rapid.IntRange(1, 6).Draw(t, "columns")
		data := rapid.SliceOfN(rapid.Float32Range(-1000, 1000), rows*columns, rows*columns).Draw(t, "data")
		data[0] = 0
		for _, byColumn := range []bool{true, false} {
			values, scales := quantize(data, rows, columns, byColumn)
			for i, v := range data {
				at := i / columns
				if byColumn {
					at = i % columns
				}
				scale := scales[at]
				got := float64(int8(values[i])) * float64(scale)
				if math.Abs(got-float64(v)) > 0.5001*float64(scale) {
					t.Fatalf("%v became %v with steps of %v", v, got, scale)
				}
			}
			if values[0] != 0 {
				t.Fatal("zero moved")
			}
		}
	})
}
