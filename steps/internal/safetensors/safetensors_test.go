package safetensors

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestRoundTrip(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		var want []Tensor
		for i := range rapid.IntRange(1, 4).Draw(t, "tensors") {
			rows, columns := rapid.IntRange(1, 5).Draw(t, "rows"), rapid.IntRange(1, 5).Draw(t, "columns")
			want = append(want, Tensor{string(rune('a' + i)), []int{rows, columns}, rapid.SliceOfN(rapid.Float32(), rows*columns, rows*columns).Draw(t, "data")})
		}
		path := filepath.Join(dir, "w")
		if err := Write(path, want); err != nil {
			t.Fatal(err)
		}
		got, err := Read(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

// file writes a header and values in the layout that other libraries write.
func file(t testing.TB, header string, values []byte) string {
	t.Helper()
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	b = append(append(b, header...), values...)
	path := filepath.Join(t.TempDir(), "w.safetensors")
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestHalfPrecisionAndOthers(t *testing.T) {
	var b bytes.Buffer
	for _, v := range []uint16{0x3c00, 0xc000, 0x7c00, 0x0001, 0x0000} { // 1, -2, infinity, the smallest number, 0
		binary.Write(&b, binary.LittleEndian, v)
	}
	binary.Write(&b, binary.LittleEndian, uint16(0x3fc0)) // 1.5 as bfloat16
	binary.Write(&b, binary.LittleEndian, int64(7))
	got, err := Read(file(t, `{"__metadata__":{"format":"pt"},"h":{"dtype":"F16","shape":[5],"data_offsets":[0,10]},
		"b":{"dtype":"BF16","shape":[1],"data_offsets":[10,12]},"ids":{"dtype":"I64","shape":[1],"data_offsets":[12,20]}}`, b.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	want := []Tensor{{"h", []int{5}, []float32{1, -2, float32(math.Inf(1)), float32(math.Pow(2, -24)), 0}}, {"b", []int{1}, []float32{1.5}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestBrokenFilesAreErrors(t *testing.T) {
	for want, path := range map[string]string{
		"no header":        os.DevNull,
		"type F64 is none": file(t, `{"x":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}}`, make([]byte, 8)),
		"at 0 to 400":      file(t, `{"x":{"dtype":"F32","shape":[100],"data_offsets":[0,400]}}`, make([]byte, 8)),
		"2 values of F32":  file(t, `{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}`, make([]byte, 8)),
		"shape [-1]":       file(t, `{"x":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}`, make([]byte, 8)),
		"header:":          file(t, `{"x":`, nil),
	} {
		if _, err := Read(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`), []byte{0, 0, 128, 63})
	f.Add([]byte(`{"x":{"dtype":"F16","shape":[9223372036854775807,3],"data_offsets":[0,-4]}}`), []byte{})
	f.Fuzz(func(t *testing.T, header, values []byte) {
		_, _ = Read(file(t, string(header), values)) // must not panic on any content
	})
}
