package seeds

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rein/steps/artifact"
)

func TestSeedsTravelWithTheirModel(t *testing.T) {
	kept, next := artifact.Model{Path: t.TempDir()}, artifact.Model{Path: t.TempDir()}
	if list, err := Of(kept); err != nil || list != nil {
		t.Fatalf("one seed: %v, %v", list, err)
	}
	for _, seed := range []int{10, 9, -1} {
		dir := Dir(kept, seed).Path
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, artifact.ModelInfoFile), []byte("{}"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := Copy(kept, next); err != nil {
		t.Fatal(err)
	}
	list, err := Of(next)
	if err != nil || len(list) != 3 || list[0].Seed != -1 || list[2].Seed != 10 {
		t.Fatalf("%v, %v", list, err)
	}
	if _, err := os.Stat(filepath.Join(list[1].Model.Path, artifact.ModelInfoFile)); err != nil {
		t.Error(err)
	}
	if err := Drop(next.Path); err != nil {
		t.Fatal(err)
	}
	if list, err := Of(next); err != nil || list != nil {
		t.Errorf("dropped: %v, %v", list, err)
	}
}

func TestWhatIsNoSeedIsNamed(t *testing.T) {
	kept := artifact.Model{Path: t.TempDir()}
	if err := os.MkdirAll(filepath.Join(kept.Path, Folder, "notes"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := Of(kept); err == nil || !strings.Contains(err.Error(), `"notes"`) {
		t.Errorf("%v", err)
	}
}
