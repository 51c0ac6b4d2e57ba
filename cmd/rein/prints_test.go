package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Only cmd writes to a stream or exits.
func TestOnlyCmdPrints(t *testing.T) {
	bad := regexp.MustCompile(`\b(fmt\.Print(f|ln)?\(|os\.Exit\(|log\.(Print|Fatal|Panic)|os\.Std(out|err)\b|func init\(\))`)
	texts := regexp.MustCompile(`"[^"\\]*"`) // what is written about a function doesn't call it
	root := filepath.Join("..", "..")
	for _, top := range []string{"cache", "engine", "steps", "pipelines"} {
		err := filepath.WalkDir(filepath.Join(root, top), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			if strings.Contains(path, "example") || strings.Contains(path, "testdata") || strings.Contains(path, "bench") {
				return nil
			}
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for i, line := range strings.Split(string(b), "\n") {
				if code, _, _ := strings.Cut(texts.ReplaceAllString(line, `""`), "//"); bad.MatchString(code) {
					t.Errorf("%s:%d: %s", path, i+1, strings.TrimSpace(line))
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
