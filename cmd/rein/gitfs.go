package main

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing/fstest"

	"rein/pipelines/lang"
)

// files are the pipeline files as they were in a revision; or as they are, but for the one of which git made a copy.
func (r revised) files(ctx context.Context) (files fs.FS, root string, err error) {
	if r.copy == "" {
		return revision(ctx, r.rev)
	}
	data, err := os.ReadFile(r.copy)
	if err != nil {
		return nil, "", err
	}
	if root, err = os.Getwd(); err != nil { // git starts its drivers at the top
		return nil, "", err
	}
	return replaced{os.DirFS(root), fstest.MapFS{r.file: {Data: data, Mode: 0o644}}}, root, nil
}

// replaced is a file system some of whose files are others.
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

// revision is a repository's files as they were, for pipeline files only: data is read as it is now.
func revision(ctx context.Context, rev string) (files fs.FS, root string, err error) {
	top, err := git(ctx, ".", "rev-parse", "--show-toplevel")
	if err != nil {
		return nil, "", err
	}
	root = strings.TrimSpace(top)
	out, err := git(ctx, root, "archive", "--format=tar", rev)
	if err != nil {
		return nil, "", err
	}
	m := fstest.MapFS{}
	for r := tar.NewReader(strings.NewReader(out)); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return m, filepath.FromSlash(root), nil
		} else if err != nil {
			return nil, "", err
		}
		if h.Typeflag != tar.TypeReg || !lang.IsPipelineFile(h.Name) {
			continue
		}
		b, err := io.ReadAll(r)
		if err != nil {
			return nil, "", err
		}
		m[h.Name] = &fstest.MapFile{Data: b, Mode: 0o644}
	}
}
