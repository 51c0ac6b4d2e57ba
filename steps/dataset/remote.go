package dataset

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"rein/steps"
	"rein/steps/internal/hubfiles"
	"rein/steps/internal/table"
)

// Remote data are pinned by their content: a URL by its SHA-256, a data set of the Hugging Face hub by its commit. So the step's key fully
// determines them. Downloads are kept in the user's cache folder and work offline afterwards.

var sha256Hex = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[0-9a-f]{64}$`) })

func (c *Config) validateRemote() error {
	switch {
	case c.URL != "" && c.Hub != "":
		return errors.New("url and hub: give one of them")
	case c.URL == "" && c.SHA256 != "":
		return errors.New("sha256: it pins a url, and there is none")
	case c.Hub == "" && c.Revision != "":
		return errors.New("revision: it pins a hub data set, and there is none")
	case c.URL != "" && !sha256Hex().MatchString(c.SHA256):
		return fmt.Errorf("sha256: %q: a url is pinned by the 64 hex digits of its content's SHA-256 (sha256sum FILE)", c.SHA256)
	case c.Hub != "":
		return c.repo().Check("hub")
	}
	if c.URL != "" {
		u, err := url.Parse(c.URL)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return fmt.Errorf("url: %q is no http or https address", c.URL)
		}
	}
	return nil
}

// download fetches the URL's file unless it is in the cache folder, and checks its SHA-256.
func (c *Config) download(ctx context.Context, env *steps.Env) ([]table.Source, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(c.URL)
	if err != nil {
		return nil, err
	}
	name := path.Base(u.Path)
	dir := filepath.Join(base, "rein", "downloads", c.SHA256)
	kept := filepath.Join(dir, "content")
	if sum, err := hashFile(kept); err == nil && sum == c.SHA256 {
		env.Logf("%s: from %s", c.URL, kept)
		return []table.Source{{Name: name, Path: kept}}, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	tmp, err := os.CreateTemp(dir, "part-*")
	if err != nil {
		return nil, err
	}
	defer os.Remove(tmp.Name())
	sum, err := get(ctx, c.URL, tmp, func(done, total int64) { env.Progress(done, total, "bytes") })
	if err := errors.Join(err, tmp.Close()); err != nil {
		return nil, err
	}
	if sum != c.SHA256 {
		return nil, fmt.Errorf("%s: its content has SHA-256 %s, the pipeline pins %s: the file has changed, or something stands between", c.URL, sum, c.SHA256)
	}
	return []table.Source{{Name: name, Path: kept}}, os.Rename(tmp.Name(), kept)
}

func get(ctx context.Context, address string, w io.Writer, progress func(done, total int64)) (sum string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", fmt.Errorf("not in the cache of downloads, and %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s: the server says %s", address, resp.Status)
	}
	h := sha256.New()
	n := &meter{total: resp.ContentLength, progress: progress}
	if _, err := io.Copy(io.MultiWriter(w, h, n), resp.Body); err != nil {
		return "", fmt.Errorf("%s: %w", address, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// meter reports the progress of a download after each MiB.
type meter struct {
	done, said, total int64
	progress          func(done, total int64)
}

func (m *meter) Write(b []byte) (int, error) {
	if m.done += int64(len(b)); m.done-m.said >= 1<<20 {
		m.said = m.done
		m.progress(m.done, max(m.total, 0))
	}
	return len(b), nil
}

func hashFile(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// fetchHub downloads the data files of a hub data set, and the files that say what its numbers mean. It skips files that are in the cache,
// which Hugging Face's own programs share.
func (c *Config) fetchHub(ctx context.Context, env *steps.Env) (data []table.Source, classes map[string][]string, err error) {
	files, err := c.repo().Fetch(ctx, func(name string) bool { return table.IsAbout(name) || table.IsData(name) && c.wants(name) },
		func(done, total int) { env.Progress(int64(done), int64(total), "files") })
	if err != nil {
		return nil, nil, err
	}
	var about []table.Source
	for _, f := range files {
		if src := (table.Source{Name: f.Name, Path: f.Path}); table.IsAbout(f.Name) {
			about = append(about, src)
		} else {
			data = append(data, src)
		}
	}
	if len(data) == 0 {
		return nil, nil, fmt.Errorf("hub data set %s at %s has no data file%s (Parquet, JSON lines, CSV)", c.Hub, c.Revision, c.ofSplits())
	}
	return data, table.Classes(about), nil
}

func (c *Config) repo() hubfiles.Repo {
	return hubfiles.Repo{Kind: hubfiles.Dataset, ID: c.Hub, Revision: c.Revision}
}

// ofAsked returns the files of the splits that were asked for. If no file belongs to one, it returns the JSON files, which may hold the
// splits as lists.
func (c *Config) ofAsked(all []table.Source) []table.Source {
	files := slices.DeleteFunc(slices.Clone(all), func(s table.Source) bool { return !c.wants(s.Name) })
	if len(files) == 0 {
		return slices.DeleteFunc(slices.Clone(all), func(s table.Source) bool { return !table.IsJSON(s.Name) })
	}
	return files
}

// wants tells whether a file belongs to one of the splits that were asked for: train-00000-of-00002.parquet, data/train.csv, train/1.jsonl.
// A JSON file may hold several splits as lists; these are chosen by the lists' names.
func (c *Config) wants(name string) bool {
	if len(c.Splits) == 0 {
		return true
	}
	for _, part := range strings.Split(table.Stem(name), "/") {
		for _, s := range c.Splits {
			if part == s || strings.HasPrefix(part, s+"-") || strings.HasPrefix(part, s+"_") || strings.HasPrefix(part, s+".") {
				return true
			}
		}
	}
	return false
}

func (c *Config) ofSplits() string {
	if len(c.Splits) == 0 {
		return ""
	}
	return fmt.Sprintf(" of split %s", strings.Join(c.Splits, ", "))
}
