package table

import (
	"os"
	"path/filepath"
	"testing"
)

// What is about a data set is found whatever its folder is called: a name is no pattern.
func TestAboutFilesOfOddFolders(t *testing.T) {
	for _, name := range []string{"data [1]", "data[", "*", "da\nta", `da\ta`} {
		dir := filepath.Join(t.TempDir(), name)
		for _, f := range []string{"README.md", filepath.Join("part", "README.md"), filepath.Join("part", "deeper", "README.md"), "rows.csv"} {
			path := filepath.Join(dir, f)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, nil, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		found := AboutFiles(dir)
		if len(found) != 2 || found[0].Name != "README.md" || found[1].Name != "part/README.md" || found[1].Path != filepath.Join(dir, "part", "README.md") {
			t.Errorf("%q: %v", name, found)
		}
	}
}
