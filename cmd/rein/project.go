package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"rein/cache"
)

// stateDir is --state, REIN_STATE, or .rein beside the nearest go.mod or .git above the working folder, or in it.
func (a *app) stateDir() (string, error) {
	wd, err := os.Getwd()
	if err != nil {
		return "", err
	}
	return a.stateDirFor(wd)
}

// stateDirFor is stateDir with another working folder.
func (a *app) stateDirFor(wd string) (string, error) {
	for _, d := range []string{a.state, os.Getenv("REIN_STATE")} {
		if d == "~" || strings.HasPrefix(d, "~/") { // the shell has not put the home folder in its place
			return "", configError(fmt.Errorf("state folder %s: ~ doesn't stand for your home folder here: write the whole path", d))
		}
		if d != "" {
			return filepath.Abs(d)
		}
	}
	return filepath.Join(projectRoot(wd), ".rein"), nil
}

// projectRoot is the nearest folder above wd, or wd itself, with go.mod or .git; wd if there is none.
func projectRoot(wd string) string {
	for d := wd; ; d = filepath.Dir(d) {
		for _, mark := range []string{"go.mod", ".git"} {
			if exists(filepath.Join(d, mark)) {
				return d
			}
		}
		if d == filepath.Dir(d) {
			return wd
		}
	}
}

// store opens the state folder. With readOnly nothing in it is written, created or locked for others.
func (a *app) store(readOnly bool) (*cache.Store, error) {
	dir, err := a.stateDir()
	if err != nil {
		return nil, err
	}
	return cache.Open(dir, cache.Options{ReadOnly: readOnly})
}
