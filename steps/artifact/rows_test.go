package artifact

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRowsRoundTrip(t *testing.T) {
	var want []Row
	for i := range 3*batch + 7 {
		want = append(want, Row{ID: strconv.Itoa(i), Text: "héllo\x00 " + strconv.Itoa(i), Label: Benign, Root: "r", Score: float64(i) / 3})
	}
	a, b := filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "b")
	rows, err := WriteRows(a, want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := rows.Read()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, err := WriteRows(b, want); err != nil {
		t.Fatal(err)
	}
	x, _ := os.ReadFile(a)
	y, _ := os.ReadFile(b)
	if string(x) != string(y) {
		t.Error("equal rows gave different bytes")
	}
}

func TestRowsTruncated(t *testing.T) {
	p := filepath.Join(t.TempDir(), "a")
	if _, err := WriteRows(p, []Row{{ID: "1"}}); err != nil {
		t.Fatal(err)
	}
	b, _ := os.ReadFile(p)
	if err := os.WriteFile(p, b[:len(b)-5], 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := (Rows{p}).Read(); err == nil {
		t.Error("a truncated file was read without an error")
	}
}
