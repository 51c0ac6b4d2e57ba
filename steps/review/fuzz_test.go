package review

import (
	"maps"
	"os"
	"path/filepath"
	"testing"
)

// A decisions file that can be read says the same after it was written again; none makes reading panic.
func FuzzReadDecisions(f *testing.F) {
	for _, s := range []string{"", "id,verdict,label,note\n", "id,verdict,label,note\na,accept,,\nb,relabel,benign,\"x, \"\"y\"\"\nz\"\n",
		"id,verdict,label,note\r\na,reject,,\r\n", "<<<<<<< HEAD\n", "id,verdict,label,note\n\"", "\ufeffid,verdict,label,note\n",
		"id,verdict,label,note\n=1+1,accept,,'=cmd|x\n'-a,reject,,-b\n"} {
		f.Add(s)
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, s string) {
		path := filepath.Join(dir, "in.csv")
		if err := os.WriteFile(path, []byte(s), 0o644); err != nil {
			t.Fatal(err)
		}
		d, err := ReadDecisions(path)
		if err != nil {
			return
		}
		if err := d.Write(path); err != nil {
			t.Fatal(err)
		}
		again, err := ReadDecisions(path)
		if err != nil || !maps.Equal(d, again) {
			t.Errorf("%q: %v became %v, %v", s, d, again, err)
		}
	})
}
