package dataset

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rein/steps/artifact"
)

// sharedData is the folder of real prompts, which is not part of the repository.
func sharedData(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("REIN_DATA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "data")
	}
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no real prompts: %v (set REIN_DATA to a folder with benign.jsonl and malicious.jsonl)", err)
	}
	return dir
}

func TestRealData(t *testing.T) {
	rows, env, err := read(t, Config{}, sharedData(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, label := range []string{artifact.Benign, artifact.Malicious} {
		b, err := os.ReadFile(filepath.Join(sharedData(t), label+".jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		if n := bytes.Count(b, []byte("\n")); env.Metrics[label] != float64(n) || n == 0 {
			t.Errorf("%v %s rows of %d lines", env.Metrics[label], label, n)
		}
	}
	if len(env.Notes) > 0 {
		t.Errorf("notes: %q", env.Notes)
	}
	if r := rows[0]; r.ID == "" || r.Category == "" || r.Source == "" || !strings.HasPrefix(r.Root, r.ID+"@") {
		t.Errorf("%+v", r)
	}
}
