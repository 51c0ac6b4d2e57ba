// Package pack packs a model for use elsewhere: as a folder, or an archive of one. A package has the graph, what turns text into the
// graph's inputs, the threshold, the reports, a model card, a script that scores, and a list of checksums.
package pack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"rein/steps"
	"rein/steps/artifact"
	"rein/steps/internal/bundle"
	"rein/steps/internal/leak"
	"rein/steps/internal/seeds"
	"rein/steps/internal/threshold"
)

// Config is what the package says about itself.
type Config struct {
	Name     string `hcl:"name,optional" default:"l2" doc:"Name of the model in its card."`
	Strategy string `hcl:"strategy,optional" doc:"How the model was made, in words, for its card."`
	Format   string `hcl:"format,optional" default:"folder" enum:"folder,tar.zst" doc:"A folder, or one compressed file. rein score reads both."`
}

// In holds the inputs of the step.
type In struct {
	Model   artifact.Model    `port:"model" doc:"an exported model (with model.onnx)"`
	Reports []artifact.Report `port:"reports,optional" doc:"reports to include"`
}

// Out holds the output of the step.
type Out struct {
	Package artifact.Package `port:"package" doc:"the folder or archive, for rein score PACKAGE"`
}

// Step is the "package" step type.
var Step = steps.New("package", 8, "Put a model, its tokeniser, threshold, reports and model card into one folder or archive.", run, steps.Stage(steps.Export), steps.Measures, steps.Example(`step "package" "package" {
  model   = step.export.model
  reports = [step.test.report, step.speed.report]
}`))

// CardFile is the file name of the package's model card.
const CardFile = "README.md"

func run(_ context.Context, env *steps.Env, c Config, in In) (Out, error) {
	out := Out{artifact.Package{Path: env.Out("package")}}
	dir := out.Package.Path
	if c.Format == "tar.zst" {
		dir = filepath.Join(env.Scratch(), "package")
	}
	choice, err := fill(dir, c, in)
	if err != nil {
		return out, err
	}
	if doubt := choice.Doubt(); doubt != "" {
		env.Notef("%s", doubt)
	}
	size, err := bundle.Seal(dir)
	if err != nil {
		return out, err
	}
	env.Metric("package_bytes", float64(size))
	if dir != out.Package.Path {
		err = archive(dir, out.Package.Path)
	}
	return out, err
}

// fill writes all files except the checksums into the package's folder. It returns how the model's threshold was chosen.
func fill(dir string, c Config, in In) (choice threshold.Choice, err error) {
	info, err := in.Model.Info()
	if err != nil {
		return choice, err
	}
	if choice, err = threshold.ChoiceOf(info.Training); err != nil {
		return choice, err
	}
	if _, err := os.Stat(filepath.Join(in.Model.Path, artifact.ModelGraphFile)); err != nil {
		return choice, fmt.Errorf("the model has no %s: give package the model of an export-onnx step", artifact.ModelGraphFile)
	}
	if err := os.CopyFS(dir, os.DirFS(in.Model.Path)); err != nil {
		return choice, err
	}
	if err := seeds.Drop(dir); err != nil {
		return choice, err
	}
	// A package is for use, not for further training. So it leaves out the separate weights, which are also in the graph, and what the
	// training rows were.
	for _, name := range []string{artifact.ModelWeightsFile, artifact.ModelUserGraphFile, leak.File} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return choice, err
		}
	}
	scripts, err := writeScripts(dir, info)
	if err != nil {
		return choice, err
	}
	var reports []string
	var read []reading
	for i, r := range in.Reports {
		name := fmt.Sprintf("report-%d.json", i+1)
		what, err := copyReport(r.Path, filepath.Join(dir, name))
		if err != nil {
			return choice, fmt.Errorf("report %d: %w", i+1, err)
		}
		reports, read = append(reports, name), append(read, what)
	}
	text := card(c, info, choice, scripts, reports, read)
	return choice, os.WriteFile(filepath.Join(dir, CardFile), []byte(text), 0o644)
}

// copyReport copies a report, which must be JSON, and returns what the card needs from it.
func copyReport(src, dst string) (r reading, err error) {
	b, err := os.ReadFile(src)
	if err != nil {
		return r, err
	}
	if !json.Valid(b) {
		return r, errors.New("not JSON")
	}
	if err := json.Unmarshal(b, &r); err != nil {
		r = reading{} // another step's report: the card takes no figures from it
	}
	return r, os.WriteFile(dst, b, 0o644)
}

func archive(dir, path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(bundle.Archive(f, dir), f.Close())
}
