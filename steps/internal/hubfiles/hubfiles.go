// Package hubfiles fetches files of one commit from the Hugging Face hub. It uses the cache folder of Hugging Face's own programs: files
// that are already there aren't downloaded, and work offline.
package hubfiles

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/gomlx/go-huggingface/hub"
)

// Kind is what a repository holds.
type Kind string

// The kinds of repositories.
const (
	Model   Kind = "model"
	Dataset Kind = "data set"
)

// Repo is a repository at one commit.
type Repo struct {
	Kind     Kind
	ID       string // OWNER/NAME
	Revision string // 40 hex digits
}

var (
	commitHex = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[0-9a-f]{40}$`) })
	hubID     = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[\w.-]+/[\w.-]+$`) })
)

// Check returns an error if the repository's name or commit isn't well formed. field is the pipeline's argument that gives the name.
func (r Repo) Check(field string) error {
	switch {
	case !hubID().MatchString(r.ID):
		return fmt.Errorf("%s: %q isn't OWNER/NAME", field, r.ID)
	case !commitHex().MatchString(r.Revision):
		return fmt.Errorf("revision: %q: a hub %s is pinned by the 40 hex digits of its commit (under \"Files and versions\")", r.Revision, r.Kind)
	}
	return nil
}

// CacheDir is the folder of the hub's files: HF_HUB_CACHE, else HF_HOME/hub, else huggingface/hub in the user's cache folder.
func CacheDir() string {
	if dir := os.Getenv("HF_HUB_CACHE"); dir != "" {
		return dir
	}
	if dir := os.Getenv("HF_HOME"); dir != "" {
		return filepath.Join(dir, "hub")
	}
	return hub.DefaultCacheDir()
}

func (r Repo) open() (*hub.Repo, string, error) {
	repo := hub.New(r.ID).WithRevision(r.Revision).WithCacheDir(CacheDir()).WithProgressBar(false)
	if r.Kind == Dataset {
		repo = repo.WithType(hub.RepoTypeDataset)
	}
	repo.Verbosity = 0
	if token := os.Getenv("HF_TOKEN"); token != "" {
		repo = repo.WithAuth(token)
	}
	dir, err := repo.CacheDir()
	return repo, filepath.Join(dir, "snapshots", r.Revision), err
}

// File is a file that was fetched.
type File struct {
	Name string // in the repository
	Path string
}

// Fetch gets all files that want accepts, from the cache or from the hub. It calls progress after each download.
func (r Repo) Fetch(ctx context.Context, want func(name string) bool, progress func(done, total int)) ([]File, error) {
	repo, snapshot, err := r.open()
	if err != nil {
		return nil, err
	}
	var names []string
	for name, err := range repo.IterFileNames() {
		if err != nil {
			return nil, fmt.Errorf("hub %s %s at %s: its list of files is not in %s, and downloading it failed: %w", r.Kind, r.ID, r.Revision, CacheDir(), err)
		}
		if want(name) {
			names = append(names, name)
		}
	}
	var out []File
	for i, name := range names {
		file := filepath.Join(snapshot, filepath.FromSlash(name))
		if _, err := os.Stat(file); err == nil { // DownloadFileCtx would ask the hub even for a file in the cache
			out = append(out, File{name, file})
			continue
		}
		if file, err = repo.DownloadFileCtx(ctx, name); err != nil {
			return nil, fmt.Errorf("hub %s %s at %s: %s is not in %s, and downloading it failed: %w", r.Kind, r.ID, r.Revision, name, CacheDir(), err)
		}
		out = append(out, File{name, file})
		progress(i+1, len(names))
	}
	return out, nil
}

// Folder returns a model's folder, and fetches the files that are missing in it. Each entry of needs is a list of names, of which one has
// to exist. Files of extras are fetched if they exist. Without a connection, the error says which files are missing and how to get them.
func (r Repo) Folder(ctx context.Context, needs [][]string, extras []string, progress func(done, total int)) (string, error) {
	_, snapshot, err := r.open()
	if err != nil {
		return "", err
	}
	missing := unmet(snapshot, needs)
	if len(missing) == 0 {
		return snapshot, nil
	}
	wanted := map[string]bool{}
	for _, names := range append(slices.Clone(needs), extras) {
		for _, name := range names {
			wanted[name] = true
		}
	}
	if _, err := r.Fetch(ctx, func(name string) bool { return wanted[name] }, progress); err != nil {
		return "", fmt.Errorf("%w\nMissing: %s. Where the hub can be reached: hf download %s %s --revision %s --cache-dir %s; or download the folder and give it as base = \"FOLDER\"",
			err, strings.Join(missing, ", "), r.ID, strings.Join(usualNames(needs), " "), r.Revision, CacheDir())
	}
	if missing = unmet(snapshot, needs); len(missing) > 0 {
		return "", fmt.Errorf("hub %s %s at %s has no %s", r.Kind, r.ID, r.Revision, strings.Join(missing, ", no "))
	}
	return snapshot, nil
}

// unmet lists the needs that the files of a folder don't meet.
func unmet(dir string, needs [][]string) []string {
	var out []string
	for _, names := range needs {
		found := false
		for _, name := range names {
			_, err := os.Stat(filepath.Join(dir, name))
			found = found || err == nil
		}
		if !found {
			out = append(out, strings.Join(names, " or "))
		}
	}
	return out
}

// usualNames are the names that most repositories have: the first of each need.
func usualNames(needs [][]string) []string {
	var out []string
	for _, names := range needs {
		out = append(out, names[0])
	}
	return out
}
