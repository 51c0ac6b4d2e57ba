package lang

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/hashicorp/hcl/v2"

	"rein/engine"
	"rein/pipelines/lang/diag"
)

// readPath is a file or folder that a step reads, and where that is written.
type readPath struct {
	path *engine.Path
	attr *attr
	sc   scope
	at   hcl.Range

	instead string // what the port says to write where nothing is there
}

// CheckPaths reports files and folders that needed steps read and that don't exist. Loading doesn't check that, so one can draw or format a
// pipeline whose data is elsewhere.
func (p *Program) CheckPaths() hcl.Diagnostics {
	if p.FromSnapshot() {
		return p.checkKeptPaths()
	}
	var diags hcl.Diagnostics
	for _, pl := range p.Pipelines {
		for _, r := range pl.eval.read {
			if d := pl.eval.checkPath(r); d != nil {
				diags = append(diags, d)
			}
		}
	}
	return diag.Tidy(diags)
}

// space sets a sentence off from the one before it.
func space(sentence string) string {
	if sentence == "" {
		return ""
	}
	return " " + sentence
}

func (e *evaluator) checkPath(r readPath) *hcl.Diagnostic {
	report := func(summary, format string, args ...any) *hcl.Diagnostic {
		at := r.at
		if written, _ := e.written(r.attr); r.at == r.attr.expr.Range() {
			at = written
		}
		return diag.Also(e.withValues(errorAt(at, summary, format, args...), r.attr, r.sc), r.at, "used here")
	}
	text := r.path.Text
	if !filepath.IsAbs(text) {
		text += " (" + r.path.Abs + ")"
	}
	switch err := wrongPath(r.path); {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrNotExist):
		return report("There is no such file", "%s is not there.%s Relative paths count from the folder of the file in which they are written, those of --var from the working folder.%s", text, similarPath(r.path.Abs), space(r.instead))
	case errors.Is(err, errIsFolder):
		return report("Wrong kind of path", "%s is a folder; write dir(...) for it.", text)
	case errors.Is(err, errIsFile):
		return report("Wrong kind of path", "%s is a file; write file(...) for it.", text)
	default:
		return report("Cannot read a file", "%s: %s.", text, readProblem(err))
	}
}

var (
	errIsFolder = errors.New("is a folder")
	errIsFile   = errors.New("is a file")
)

// wrongPath says why a step can't read the path that it names; nil if it can.
func wrongPath(p *engine.Path) error {
	if p.Kind == engine.PathGlob {
		return nil // the engine, which knows how patterns match, says so if nothing does
	}
	fi, err := os.Stat(engine.Spelled(p.Abs))
	switch {
	case errors.Is(err, fs.ErrNotExist) && p.Absent:
		return nil
	case err != nil:
		return err
	case p.Kind == engine.PathFile && fi.IsDir():
		return errIsFolder
	case p.Kind == engine.PathDir && !fi.IsDir():
		return errIsFile
	}
	return nil
}

// similarPath suggests a name in the same folder, or tells how much of the path exists.
func similarPath(abs string) diag.Suggestion {
	dir := filepath.Dir(abs)
	entries, err := os.ReadDir(dir)
	if err != nil {
		for up := dir; up != filepath.Dir(up); up = filepath.Dir(up) {
			if _, err := os.Stat(up); err == nil {
				return diag.Suggestion{Text: " Of its folders, " + up + " is the last that is there."}
			}
		}
		return diag.Suggestion{}
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return diag.DidYouMean(filepath.Base(abs), names)
}
