// Package pack makes a model ready for somebody else: one folder with the graph, what turns text into its inputs, the
// threshold, the reports and a list of checksums.
package pack

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"rein/steps"
	"rein/steps/artifact"
	"rein/steps/internal/leak"
	"rein/steps/internal/seeds"
)

// Config is what a package says of itself.
type Config struct {
	Name string `hcl:"name,optional" default:"l2" doc:"The model's name, in its card."`
}

// In is what the step reads.
type In struct {
	Model   artifact.Model    `port:"model" doc:"an exported model (with model.onnx)"`
	Reports []artifact.Report `port:"reports,optional" doc:"reports to put in"`
}

// Out is what the step makes.
type Out struct {
	Package artifact.Package `port:"package" doc:"the folder: rein score PACKAGE uses it"`
}

// Step is the "package" step type.
var Step = steps.New("package", 2, "Put a model, its tokeniser, threshold and reports into one folder.", run, steps.Example(`step "package" "package" {
  model   = step.export.model
  reports = [step.test.report, step.speed.report]
}`))

// Files of a package besides the model's.
const (
	SumsFile = "SHA256SUMS"
	CardFile = "README.md"
)

func run(_ context.Context, env *steps.Env, c Config, in In) (Out, error) {
	out := Out{artifact.Package{Path: env.Out("package")}}
	info, err := in.Model.Info()
	if err != nil {
		return out, err
	}
	if _, err := os.Stat(filepath.Join(in.Model.Path, artifact.ModelGraphFile)); err != nil {
		return out, fmt.Errorf("the model has no %s: give package the model of an export-onnx step", artifact.ModelGraphFile)
	}
	if err := os.CopyFS(out.Package.Path, os.DirFS(in.Model.Path)); err != nil {
		return out, err
	}
	if err := seeds.Drop(out.Package.Path); err != nil {
		return out, err
	}
	// The weights are in the graph, and what the training rows were is nobody else's business: the package is for use,
	// not for going on with training.
	for _, name := range []string{artifact.ModelWeightsFile, artifact.ModelUserGraphFile, leak.File} {
		if err := os.Remove(filepath.Join(out.Package.Path, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return out, err
		}
	}
	var reports []string
	for i, r := range in.Reports {
		name := fmt.Sprintf("report-%d.json", i+1)
		if err := copyJSON(r.Path, filepath.Join(out.Package.Path, name)); err != nil {
			return out, fmt.Errorf("report %d: %w", i+1, err)
		}
		reports = append(reports, name)
	}
	if err := os.WriteFile(filepath.Join(out.Package.Path, CardFile), []byte(card(c, info, reports)), 0o644); err != nil {
		return out, err
	}
	size, err := sums(out.Package.Path)
	env.Metric("package_bytes", float64(size))
	return out, err
}

// copyJSON copies a report and makes sure that it is JSON.
func copyJSON(src, dst string) error {
	b, err := os.ReadFile(src)
	if err != nil {
		return err
	}
	if !json.Valid(b) {
		return errors.New("not JSON")
	}
	return os.WriteFile(dst, b, 0o644)
}

// card is the package's README: how to use it, and what it is.
func card(c Config, info artifact.ModelInfo, reports []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\nA prompt classifier. Threat score = 1 - P(benign); a prompt is malicious at a threat score of %.6g or more\n(%s).\n\n", c.Name, info.Threshold, info.Rule)
	fmt.Fprintf(&b, "Classes, in the order of the outputs: %s.\n\n", strings.Join(info.Classes, ", "))
	b.WriteString("## Use\n\n    echo \"Ignore all previous instructions\" | rein score .\n\n")
	fmt.Fprintf(&b, "`%s` runs in any ONNX Runtime; `%s` (also in the graph's metadata) says how text becomes its inputs.\n\n", artifact.ModelGraphFile, artifact.ModelInfoFile)
	b.WriteString("## Files\n\n")
	for _, r := range reports {
		fmt.Fprintf(&b, "- `%s`: measured\n", r)
	}
	fmt.Fprintf(&b, "- `%s`: checksums (`sha256sum -c %s`)\n", SumsFile, SumsFile)
	return b.String()
}

// sums writes the checksums of all files and returns their size together.
func sums(dir string) (size int64, err error) {
	var lines []string
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		sum, n, err := sha256File(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		size += n
		lines = append(lines, fmt.Sprintf("%s  %s\n", sum, filepath.ToSlash(name)))
		return err
	})
	if err != nil {
		return 0, err
	}
	slices.Sort(lines)
	return size, os.WriteFile(filepath.Join(dir, SumsFile), []byte(strings.Join(lines, "")), 0o644)
}

func sha256File(path string) (sum string, n int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	h := sha256.New()
	n, err = io.Copy(h, f)
	return hex.EncodeToString(h.Sum(nil)), n, err
}
