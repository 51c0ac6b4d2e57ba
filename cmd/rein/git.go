package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"rein/engine/record"
)

// A repository's configuration and attributes can name programs: monitors, hooks, filters, drivers. Merely looking at an unpacked or cloned
// repository must not run them, so git is only called in ways that start none.

// gitSafe are options and settings with which git starts no program of a repository.
var (
	gitSafe = []string{"--no-pager", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=" + os.DevNull, "-c", "core.alternateRefsCommand=",
		"-c", "log.showSignature=false"}
	// An empty list of protocols would be none at all; a repository's own settings can't allow one again.
	gitEnv = []string{"GIT_OPTIONAL_LOCKS=0", "GIT_NO_LAZY_FETCH=1", "GIT_TERMINAL_PROMPT=0", "GIT_CONFIG_COUNT=0", "GIT_ALLOW_PROTOCOL=none"}
)

// git runs git in dir and returns what it printed.
func git(ctx context.Context, dir string, args ...string) (string, error) {
	return gitWith(ctx, dir, nil, nil, args...)
}

// gitWith is git with settings, as variables of its environment, and something to read.
func gitWith(ctx context.Context, dir string, settings []string, in io.Reader, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", append(gitSafe[:len(gitSafe):len(gitSafe)], args...)...)
	cmd.Dir, cmd.Stdin = dir, in
	cmd.Env = slices.Concat(os.Environ(), gitEnv, settings)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("git %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(errs.String()))
	}
	return string(out), nil
}

// objectOf is the id of the commit or tree of a revision.
func objectOf(ctx context.Context, dir, rev, kind string) (string, error) {
	out, err := git(ctx, dir, "rev-parse", "--verify", "--quiet", "--end-of-options", rev+"^{"+kind+"}")
	if err != nil {
		return "", configError(fmt.Errorf("%s is no revision of this repository", rev))
	}
	return strings.TrimSpace(out), nil
}

// gitFacts describes the revision from which a run is made. It is zero outside a repository and without git.
func gitFacts(ctx context.Context, dir string) record.Git {
	if !mayBeRepository(dir) {
		return record.Git{}
	}
	settings, err := withoutFilters(ctx, dir)
	if err != nil {
		return record.Git{}
	}
	out, err := gitWith(ctx, dir, settings, nil, "status", "--porcelain=v2", "--branch", "--untracked-files=no", "--ignore-submodules=all")
	if err != nil {
		return record.Git{}
	}
	var g record.Git
	for line := range strings.Lines(out) {
		line = strings.TrimSpace(line)
		if oid, ok := strings.CutPrefix(line, "# branch.oid "); ok {
			if g.Dirty = oid == "(initial)"; !g.Dirty { // else nothing was committed yet
				g.Revision = oid
			}
		} else if line != "" && !strings.HasPrefix(line, "#") {
			g.Dirty = true
		}
	}
	return g
}

// mayBeRepository tells whether git could find a repository at dir: it needn't be asked elsewhere.
func mayBeRepository(dir string) bool {
	if os.Getenv("GIT_DIR") != "" {
		return true
	}
	at, err := filepath.Abs(dir)
	if err != nil {
		return true
	}
	if real, err := filepath.EvalSymlinks(at); err == nil {
		at = real
	}
	for ; !exists(filepath.Join(at, ".git")); at = filepath.Dir(at) {
		if exists(filepath.Join(at, "HEAD")) && exists(filepath.Join(at, "objects")) { // a bare one
			return true
		}
		if at == filepath.Dir(at) {
			return false
		}
	}
	return true
}

// withoutFilters are settings that disable the filters that the configuration names, in the given scopes or in all. A file that needs
// a filter counts as changed if it was written to since git last looked at it. The settings are variables of the environment, because a
// name on the command line ends at its first equals sign.
func withoutFilters(ctx context.Context, dir string, scopes ...string) ([]string, error) {
	if _, err := git(ctx, dir, "rev-parse", "--git-dir"); err != nil {
		return nil, err
	}
	out, err := git(ctx, dir, "config", "--includes", "--show-scope", "--null", "--name-only", "--get-regexp", `^filter\..*\.(clean|smudge|process|required)$`)
	if err != nil {
		return nil, nil // there is none
	}
	var settings []string
	fields := strings.Split(strings.TrimSuffix(out, "\x00"), "\x00") // scope, name, scope, name, and so on
	n := 0
	for i := 0; i+1 < len(fields); i += 2 {
		scope, name := fields[i], fields[i+1]
		if len(scopes) > 0 && !slices.Contains(scopes, scope) {
			continue
		}
		value := ""
		if strings.HasSuffix(name, ".required") {
			value = "false"
		}
		settings = append(settings, fmt.Sprintf("GIT_CONFIG_KEY_%d=%s", n, name), fmt.Sprintf("GIT_CONFIG_VALUE_%d=%s", n, value))
		n++
	}
	return append(settings, fmt.Sprintf("GIT_CONFIG_COUNT=%d", n)), nil
}
