package train

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rein/steps/internal/encoder/encodertest"
	"rein/steps/stepstest"
)

// fakeHub answers as the Hugging Face hub does for a model of one revision.
func fakeHub(t *testing.T, folder, revision string) *httptest.Server {
	t.Helper()
	names, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/models/some/encoder/revision/"+revision {
			var list []string
			for _, n := range names {
				list = append(list, fmt.Sprintf(`{"rfilename":%q}`, n.Name()))
			}
			fmt.Fprintf(w, `{"id":"some/encoder","sha":%q,"siblings":[%s]}`, revision, strings.Join(list, ","))
			return
		}
		name, ok := strings.CutPrefix(r.URL.Path, "/some/encoder/resolve/"+revision+"/")
		content, err := os.ReadFile(filepath.Join(folder, filepath.Base(name)))
		if !ok || err != nil {
			http.NotFound(w, r)
			return
		}
		sum := sha256.Sum256(content)
		w.Header().Set("ETag", `"`+hex.EncodeToString(sum[:])+`"`)
		w.Header().Set("X-Repo-Commit", revision)
		w.Header().Set("Content-Length", fmt.Sprint(len(content)))
		_, _ = w.Write(content)
	}))
	t.Cleanup(s.Close)
	t.Setenv("HF_ENDPOINT", s.URL)
	return s
}

func TestFineTunesAnEncoderOfTheHub(t *testing.T) {
	t.Setenv("HF_HOME", t.TempDir())
	t.Setenv("HF_HUB_CACHE", "")
	revision := strings.Repeat("ab", 20)
	hub := fakeHub(t, encodertest.Folder(t, "bert"), revision)
	c := toyConfig()
	c.Epochs, c.BatchSize, c.LearningRate = 1, 32, 0.01
	c.Model = &ModelConfig{Buckets: 1024, Dim: 8, Hidden: 8, MaxTokens: 64, Frozen: 2, Base: "some/encoder", Revision: revision}
	in := Inputs{Rows: toy(t, 100, 1), Validation: toy(t, 50, 2)}
	train := func() error {
		_, err := run(t.Context(), stepstest.New(t, "model").Env, c, in)
		return err
	}
	if err := train(); err != nil {
		t.Fatal(err)
	}
	hub.Close()
	if err := train(); err != nil {
		t.Errorf("offline, from the cache: %v", err)
	}
	c.Model.Revision = strings.Repeat("cd", 20)
	err := train()
	for _, want := range []string{"some/encoder at cdcd", "Missing: config.json, model.safetensors, tokenizer.json or vocab.txt",
		"hf download some/encoder config.json model.safetensors", "--revision cdcd"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	in.Graph.Path = "x"
	if err := train(); err == nil || !strings.Contains(err.Error(), "give one of them") {
		t.Errorf("got %v", err)
	}
}

func TestHubConfig(t *testing.T) {
	for want, m := range map[string]ModelConfig{
		"is pinned by the 40 hex digits": {Base: "a/b", Revision: "main"},
		"isn't OWNER/NAME":               {Base: "b", Revision: strings.Repeat("0", 40)},
		"there is none":                  {Revision: strings.Repeat("0", 40)},
		"is negative":                    {Frozen: -1},
	} {
		if err := m.validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
