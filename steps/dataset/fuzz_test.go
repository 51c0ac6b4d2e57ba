package dataset

import (
	"os"
	"path/filepath"
	"testing"

	"rein/steps/artifact"
	"rein/steps/stepstest"
)

// No file may cause a panic, and the rows that the step writes must be complete.
func FuzzRead(f *testing.F) {
	for _, s := range []string{
		twoRows, "text,label\na,1\n", "prompt\ttype\nx\tjailbreak\n", `[{"messages":[{"role":"user","content":"a"}],"is_safe":false}]`,
		`{"text":"a","label":1,"time":1700000000,"weight":"2"}`, "{\"instruction\":\"a\",\"input\":\"b\",\"label\":\"ok\"}\n{\"label\":2}", "\ufefftext,label\n\"a\nb\",no",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		path := filepath.Join(t.TempDir(), "blob")
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
		out, err := run(t.Context(), stepstest.New(t, "rows").Env, Config{UTF8: "repair", MaxBad: 3}, In{artifact.File{Path: path}})
		if err != nil {
			return
		}
		rows, err := out.Rows.Read()
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for _, r := range rows {
			if r.ID == "" || r.Text == "" || r.Root == "" || r.Label != artifact.Benign && r.Label != artifact.Malicious || seen[r.ID] {
				t.Fatalf("%+v", r)
			}
			seen[r.ID] = true
		}
	})
}
