package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing/fstest"

	"rein/pipelines/lang"
)

// files are the pipeline files of a revision, or the present ones with one file replaced by git's copy.
func (r revised) files(ctx context.Context) (files fs.FS, root string, err error) {
	if r.copy == "" {
		return revision(ctx, r.rev)
	}
	data, err := os.ReadFile(r.copy)
	if err != nil {
		return nil, "", err
	}
	if root, err = os.Getwd(); err != nil { // git starts its drivers in the top folder
		return nil, "", err
	}
	return replaced{os.DirFS(root), fstest.MapFS{r.file: {Data: data, Mode: 0o644}}}, root, nil
}

// replaced is a file system in which some files have other content.
type replaced struct {
	fs.FS
	others fstest.MapFS
}

// Open implements fs.FS.
func (r replaced) Open(name string) (fs.File, error) {
	if _, ok := r.others[name]; ok {
		return r.others.Open(name)
	}
	return r.FS.Open(name)
}

// revision is the files of a revision, for pipeline files only: data is read as it is now. The text is the one that git stores, without
// filters.
func revision(ctx context.Context, rev string) (files fs.FS, root string, err error) {
	top, err := git(ctx, ".", "rev-parse", "--show-toplevel")
	if err != nil {
		return nil, "", err
	}
	root = strings.TrimSuffix(top, "\n")
	tree, err := objectOf(ctx, root, rev, "tree")
	if err != nil {
		return nil, "", err
	}
	list, err := git(ctx, root, "ls-tree", "-r", "-z", "--full-tree", tree)
	if err != nil {
		return nil, "", err
	}
	var names, objects []string
	for _, line := range strings.Split(strings.TrimSuffix(list, "\x00"), "\x00") {
		facts, name, _ := strings.Cut(line, "\t")
		if f := strings.Fields(facts); len(f) == 3 && strings.HasPrefix(f[0], "100") && lang.IsPipelineFile(name) {
			names, objects = append(names, name), append(objects, f[2])
		}
	}
	texts, err := gitWith(ctx, root, nil, strings.NewReader(strings.Join(append(objects, ""), "\n")), "cat-file", "--batch")
	if err != nil {
		return nil, "", err
	}
	m := fstest.MapFS{}
	for _, name := range names {
		head, rest, _ := strings.Cut(texts, "\n")
		f := strings.Fields(head)
		if len(f) != 3 {
			return nil, "", fmt.Errorf("git has no text of %s at %s: %s", name, rev, head)
		}
		n, err := strconv.Atoi(f[2])
		if err != nil || n < 0 || n >= len(rest) {
			return nil, "", fmt.Errorf("git gives no whole text of %s at %s", name, rev)
		}
		m[name] = &fstest.MapFile{Data: []byte(rest[:n]), Mode: 0o644}
		texts = rest[n+1:]
	}
	return m, filepath.FromSlash(root), nil
}
