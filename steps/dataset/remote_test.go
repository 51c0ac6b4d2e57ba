package dataset

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"rein/steps/artifact"
	"rein/steps/stepstest"
)

const twoRows = "{\"text\":\"a\",\"label\":0}\n{\"text\":\"b\",\"label\":1}\n"

// fetch runs the step without local data.
func fetch(t *testing.T, c Config) ([]artifact.Row, error) {
	t.Helper()
	c.UTF8 = "error"
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	out, err := run(t.Context(), stepstest.New(t, "rows").Env, c, In{})
	if err != nil {
		return nil, err
	}
	rows, err := out.Rows.Read()
	if err != nil {
		t.Fatal(err)
	}
	return rows, nil
}

func TestURLIsPinnedAndKept(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	asked := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked++; r.URL.Path != "/rows.jsonl" {
			http.NotFound(w, r)
			return
		}
		fmt.Fprint(w, twoRows)
	}))
	sum := sha256.Sum256([]byte(twoRows))
	c := Config{URL: s.URL + "/rows.jsonl", SHA256: hex.EncodeToString(sum[:])}
	for range 2 {
		if rows, err := fetch(t, c); err != nil || len(rows) != 2 {
			t.Fatalf("%d rows, %v", len(rows), err)
		}
	}
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}
	wrong := c
	wrong.SHA256 = strings.Repeat("0", 64)
	if _, err := fetch(t, wrong); err == nil || !strings.Contains(err.Error(), "the pipeline pins 000") {
		t.Errorf("got %v", err)
	}
	missing := wrong
	missing.URL = s.URL + "/other"
	if _, err := fetch(t, missing); err == nil || !strings.Contains(err.Error(), "the server says 404") {
		t.Errorf("got %v", err)
	}
	s.Close()
	if rows, err := fetch(t, c); err != nil || len(rows) != 2 {
		t.Errorf("offline, from the cache: %d rows, %v", len(rows), err)
	}
	if _, err := fetch(t, wrong); err == nil || !strings.Contains(err.Error(), "not in the cache of downloads") {
		t.Errorf("offline: got %v", err)
	}
}

// fakeHub answers as the Hugging Face hub does for a data set of one revision.
func fakeHub(files map[string]string, revision string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/datasets/some/prompts/revision/"+revision {
			var names []string
			for name := range files {
				names = append(names, fmt.Sprintf(`{"rfilename":%q}`, name))
			}
			fmt.Fprintf(w, `{"id":"some/prompts","sha":%q,"siblings":[%s]}`, revision, strings.Join(names, ","))
			return
		}
		name, ok := strings.CutPrefix(r.URL.Path, "/datasets/some/prompts/resolve/"+revision+"/")
		content, there := files[name]
		if !ok || !there {
			http.NotFound(w, r)
			return
		}
		sum := sha256.Sum256([]byte(content))
		w.Header().Set("ETag", `"`+hex.EncodeToString(sum[:])+`"`)
		w.Header().Set("X-Repo-Commit", revision)
		w.Header().Set("Content-Length", fmt.Sprint(len(content)))
		fmt.Fprint(w, content)
	})
}

func TestHub(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("HF_HOME", "")
	revision := strings.Repeat("ab", 20)
	s := httptest.NewServer(fakeHub(map[string]string{
		"README.md": card, "data/train-00000-of-00001.jsonl": twoRows, "data/test-00000-of-00001.jsonl": `{"text":"c","label":1}`,
	}, revision))
	t.Setenv("HF_ENDPOINT", s.URL)
	c := Config{Hub: "some/prompts", Revision: revision}
	if rows, err := fetch(t, c); err != nil || len(rows) != 3 || rows[0].Source != "" {
		t.Fatalf("%+v, %v", rows, err)
	}
	c.Splits = []string{"train"}
	if rows, err := fetch(t, c); err != nil || len(rows) != 2 || rows[0].Category != "jailbreak" || rows[1].Label != "benign" { // by the card
		t.Errorf("%+v, %v", rows, err)
	}
	s.Close()
	if rows, err := fetch(t, c); err != nil || len(rows) != 2 {
		t.Errorf("offline, from the cache: %d rows, %v", len(rows), err)
	}
	c.Revision = strings.Repeat("cd", 20)
	if _, err := fetch(t, c); err == nil || !strings.Contains(err.Error(), "some/prompts at cdcd") || !strings.Contains(err.Error(), "is not in") {
		t.Errorf("offline: got %v", err)
	}
}

func TestSplitsOfAFolder(t *testing.T) {
	dir := folder(t, map[string]string{"train.csv": "text,label\na,0\n", "data/test-00000.csv": "text,label\nb,0\n", "training.csv": "text,label\nc,0\n"})
	rows, _, err := read(t, Config{Splits: []string{"train"}}, dir)
	if err != nil || len(rows) != 1 || rows[0].Text != "a" {
		t.Errorf("%+v, %v", rows, err)
	}
	if _, _, err := read(t, Config{Splits: []string{"dev"}}, dir); err == nil || !strings.Contains(err.Error(), "none of 3 data files is of split dev") {
		t.Errorf("got %v", err)
	}
}

func TestRemoteConfig(t *testing.T) {
	sum, commit := strings.Repeat("0", 64), strings.Repeat("0", 40)
	for want, c := range map[string]Config{
		"is pinned by the 64 hex digits": {URL: "https://example.org/a.csv"},
		"is pinned by the 40 hex digits": {Hub: "a/b", Revision: "main"},
		"isn't OWNER/NAME":               {Hub: "b", Revision: commit},
		"give one of them":               {Hub: "a/b", Revision: commit, URL: "https://example.org", SHA256: sum},
		"there is none":                  {SHA256: sum},
		"is no http or https address":    {URL: "ftp://example.org/a", SHA256: sum},
	} {
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	if _, _, err := read(t, Config{URL: "https://example.org/a", SHA256: sum}, t.TempDir()); err == nil || !strings.Contains(err.Error(), "give one of them") {
		t.Errorf("got %v", err)
	}
	if _, err := fetch(t, Config{}); err == nil || !strings.Contains(err.Error(), "no data: give data") {
		t.Errorf("got %v", err)
	}
}
