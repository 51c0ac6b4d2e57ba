// Package safetensors reads and writes weights in the safetensors format: 8 bytes with the length of the header, a JSON header with names,
// types, shapes and offsets, then the values, little-endian.
package safetensors

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"

	"github.com/x448/float16"
)

// Tensor is a named float32 array in row-major order.
type Tensor struct {
	Name  string
	Shape []int
	Data  []float32
}

type header struct {
	DType   string   `json:"dtype"`
	Shape   []int    `json:"shape"`
	Offsets [2]int64 `json:"data_offsets"`
}

// maxHeader is the limit of the format's own library, in bytes.
const maxHeader = 100 << 20

// Write writes tensors to a new file at path. Equal tensors in the same order give equal bytes.
func Write(path string, tensors []Tensor) error {
	head, at := map[string]header{}, int64(0)
	for _, t := range tensors {
		size := 4 * int64(len(t.Data))
		head[t.Name] = header{"F32", t.Shape, [2]int64{at, at + size}}
		at += size
	}
	js, err := json.Marshal(head)
	if err != nil {
		return err
	}
	js = append(js, strings.Repeat(" ", (8-len(js)%8)%8)...) // so that the values are aligned
	buf := make([]byte, 0, 8+len(js)+int(at))
	buf = binary.LittleEndian.AppendUint64(buf, uint64(len(js)))
	buf = append(buf, js...)
	for _, t := range tensors {
		for _, v := range t.Data {
			buf = binary.LittleEndian.AppendUint32(buf, math.Float32bits(v))
		}
	}
	return os.WriteFile(path, buf, 0o644)
}

// Read returns the tensors of a file, in the order of their values. It converts the types F16 and BF16 to float32, and leaves out tensors
// of integers, such as position ids.
func Read(path string) ([]Tensor, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	tensors, err := read(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return tensors, nil
}

func read(f *os.File) ([]Tensor, error) {
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	var n uint64
	if err := binary.Read(f, binary.LittleEndian, &n); err != nil {
		return nil, fmt.Errorf("no header: %w", err)
	}
	if n > maxHeader || int64(n) > st.Size()-8 {
		return nil, fmt.Errorf("header of %d bytes in a file of %d", n, st.Size())
	}
	js := make([]byte, n)
	if _, err := io.ReadFull(f, js); err != nil {
		return nil, err
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(js, &raw); err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	delete(raw, "__metadata__")
	var out []Tensor
	offsets := map[string]int64{}
	for name, r := range raw {
		var h header
		if err := json.Unmarshal(r, &h); err != nil {
			return nil, fmt.Errorf("tensor %q: %w", name, err)
		}
		t, err := h.load(f, name, 8+int64(n), st.Size())
		if err != nil {
			return nil, fmt.Errorf("tensor %q: %w", name, err)
		}
		if t.Data != nil {
			offsets[name] = h.Offsets[0]
			out = append(out, t)
		}
	}
	slices.SortFunc(out, func(a, b Tensor) int {
		return cmp.Or(cmp.Compare(offsets[a.Name], offsets[b.Name]), strings.Compare(a.Name, b.Name))
	})
	return out, nil
}

// load reads one tensor. base is the offset in the file at which the values begin.
func (h header) load(f *os.File, name string, base, fileSize int64) (Tensor, error) {
	width := map[string]int64{"F32": 4, "F16": 2, "BF16": 2}[h.DType]
	if width == 0 {
		if strings.HasPrefix(h.DType, "I") || strings.HasPrefix(h.DType, "U") || h.DType == "BOOL" {
			return Tensor{}, nil
		}
		return Tensor{}, fmt.Errorf("type %s is none of F32, F16, BF16", h.DType)
	}
	count := int64(1)
	for _, d := range h.Shape {
		if d < 0 || d > 0 && count > math.MaxInt32/int64(d) {
			return Tensor{}, fmt.Errorf("shape %v", h.Shape)
		}
		count *= int64(d)
	}
	from, to := h.Offsets[0], h.Offsets[1]
	if from < 0 || to < from || to > fileSize-base || to-from != count*width {
		return Tensor{}, fmt.Errorf("%d values of %s at %d to %d of a file with %d bytes", count, h.DType, from, to, fileSize-base)
	}
	buf := make([]byte, to-from)
	if _, err := f.ReadAt(buf, base+from); err != nil {
		return Tensor{}, err
	}
	data := make([]float32, count)
	for i := range data {
		switch h.DType {
		case "F32":
			data[i] = math.Float32frombits(binary.LittleEndian.Uint32(buf[4*i:]))
		case "BF16":
			data[i] = math.Float32frombits(uint32(binary.LittleEndian.Uint16(buf[2*i:])) << 16)
		case "F16":
			data[i] = float16.Frombits(binary.LittleEndian.Uint16(buf[2*i:])).Float32()
		}
	}
	return Tensor{name, h.Shape, data}, nil
}
