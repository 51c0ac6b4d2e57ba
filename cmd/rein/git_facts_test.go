package main

import (
	"os"
	"path/filepath"
	"testing"
)

// Git is asked wherever it could find a repository, and nowhere else.
func TestGitIsAskedWhereARepositoryMayBe(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for at := dir; at != filepath.Dir(at); at = filepath.Dir(at) {
		if exists(filepath.Join(at, ".git")) {
			t.Skip("the folder for temporary files is in a repository")
		}
	}
	t.Setenv("GIT_DIR", "")
	below := filepath.Join(dir, "repo", "a", "b")
	if err := os.MkdirAll(below, 0o755); err != nil {
		t.Fatal(err)
	}
	if mayBeRepository(below) {
		t.Error("a folder outside any repository")
	}
	if err := os.WriteFile(filepath.Join(dir, "repo", ".git"), []byte("gitdir: elsewhere"), 0o644); err != nil { // as in a worktree
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(below, link); err != nil {
		t.Skip(err)
	}
	if !mayBeRepository(below) || !mayBeRepository(link) {
		t.Error("a folder in a worktree, by itself or by a link to it")
	}
	t.Setenv("GIT_DIR", filepath.Join(dir, "repo", ".git"))
	if !mayBeRepository(dir) {
		t.Error("a repository that the environment names")
	}
}
