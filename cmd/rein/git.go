package main

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strings"

	"rein/engine/record"
)

// git runs git in dir and returns what it printed.
func git(ctx context.Context, dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir = dir
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("git %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(errs.String()))
	}
	return string(out), nil
}

// gitFacts is the revision that a run is made from; zero outside a repository or without git.
func gitFacts(ctx context.Context, dir string) record.Git {
	out, err := git(ctx, dir, "status", "--porcelain=v2", "--branch", "--untracked-files=no")
	if err != nil {
		return record.Git{}
	}
	var g record.Git
	for line := range strings.Lines(out) {
		line = strings.TrimSpace(line)
		if oid, ok := strings.CutPrefix(line, "# branch.oid "); ok {
			g.Revision = oid
		} else if line != "" && !strings.HasPrefix(line, "#") {
			g.Dirty = true
		}
	}
	return g
}
