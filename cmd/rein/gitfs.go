package main

import (
	"archive/tar"
	"context"
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"testing/fstest"

	"rein/pipelines/lang"
)

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
