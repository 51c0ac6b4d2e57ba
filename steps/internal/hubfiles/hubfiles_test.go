package hubfiles

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var repo = Repo{Kind: Model, ID: "some/model", Revision: strings.Repeat("0a", 20)}

// Files that Hugging Face's own programs put into the cache are used without a connection.
func TestFolderOfTheCache(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HF_HUB_CACHE", "")
	t.Setenv("HF_HOME", home)
	t.Setenv("HF_ENDPOINT", "http://127.0.0.1:1")
	dir := filepath.Join(home, "hub", "models--some--model", "snapshots", repo.Revision)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"config.json", "vocab.txt"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("{}"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := repo.Folder(t.Context(), [][]string{{"config.json"}, {"tokenizer.json", "vocab.txt"}}, nil, nil)
	if err != nil || got != dir {
		t.Errorf("%q, %v", got, err)
	}
	_, err = repo.Folder(t.Context(), [][]string{{"config.json"}, {"model.safetensors"}}, nil, nil)
	if err == nil || !strings.Contains(err.Error(), "Missing: model.safetensors. Where the hub can be reached: hf download some/model") {
		t.Errorf("got %v", err)
	}
	t.Setenv("HF_HUB_CACHE", filepath.Join(home, "hub"))
	t.Setenv("HF_HOME", t.TempDir())
	if CacheDir() != filepath.Join(home, "hub") {
		t.Errorf("HF_HUB_CACHE doesn't lead: %s", CacheDir())
	}
}

func TestRepositoryWithoutAFile(t *testing.T) {
	t.Setenv("HF_HUB_CACHE", t.TempDir())
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"id":%q,"sha":%q,"siblings":[{"rfilename":"README.md"}]}`, repo.ID, repo.Revision)
	}))
	defer s.Close()
	t.Setenv("HF_ENDPOINT", s.URL)
	_, err := repo.Folder(t.Context(), [][]string{{"config.json"}, {"tokenizer.json", "vocab.txt"}}, nil, func(int, int) {})
	if err == nil || !strings.Contains(err.Error(), "has no config.json, no tokenizer.json or vocab.txt") {
		t.Errorf("got %v", err)
	}
}
