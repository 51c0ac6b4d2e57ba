package pack

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"rein/steps/artifact"
	"rein/steps/internal/bundle"
	"rein/steps/internal/ngram/ngramtest"
	"rein/steps/internal/seeds"
	"rein/steps/score"
	"rein/steps/stepstest"
)

func TestPackageIsWholeAndUsable(t *testing.T) {
	report := filepath.Join(t.TempDir(), "report")
	if err := os.WriteFile(report, []byte(`{"fp_rate": 0.01}`), 0o644); err != nil {
		t.Fatal(err)
	}
	env := stepstest.New(t, "package")
	model := ngramtest.Random(t, 0.5, true)
	if err := os.CopyFS(seeds.Dir(model, 2).Path, os.DirFS(ngramtest.Random(t, 0.5, false).Path)); err != nil {
		t.Fatal(err)
	}
	out, err := run(t.Context(), env.Env, Config{Name: "l2"}, In{model, []artifact.Report{{Path: report}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []string{artifact.ModelGraphFile, artifact.ModelInfoFile, "report-1.json", CardFile, bundle.SumsFile} {
		if _, err := os.Stat(filepath.Join(out.Package.Path, f)); err != nil {
			t.Error(err)
		}
	}
	for _, f := range []string{artifact.ModelWeightsFile, seeds.Folder} {
		if _, err := os.Stat(filepath.Join(out.Package.Path, f)); err == nil {
			t.Errorf("%s is in the package: it is for measuring, not for use", f)
		}
	}
	if tool, err := exec.LookPath("sha256sum"); err == nil {
		cmd := exec.Command(tool, "--strict", "-c", bundle.SumsFile)
		cmd.Dir = out.Package.Path
		if b, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("sha256sum: %v\n%s", err, b)
		}
	}
	texts := []string{"one prompt", "another, longer prompt", ""}
	answers := func(dir string) []score.Answer {
		s, err := score.Open(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		a, err := s.Score(t.Context(), texts)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	got, want := answers(out.Package.Path), answers(model.Path)
	for i := range texts {
		if got[i].Score != want[i].Score || got[i].Malicious != want[i].Malicious || got[i].Family != want[i].Family {
			t.Errorf("%q: the package says %+v, the model %+v", texts[i], got[i], want[i])
		}
	}
}

// An archive has the same files, and scores as the folder does.
func TestArchive(t *testing.T) {
	model := ngramtest.Random(t, 0.5, true)
	var scores [2]float64
	for i, format := range []string{"folder", "tar.zst"} {
		out, err := run(t.Context(), stepstest.New(t, "package").Env, Config{Name: "l2", Format: format}, In{Model: model})
		if err != nil {
			t.Fatal(err)
		}
		s, err := score.Open(t.Context(), out.Package.Path)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		got, err := s.Score(t.Context(), []string{"a prompt"})
		if err != nil {
			t.Fatal(err)
		}
		scores[i] = got[0].Score
	}
	if scores[0] != scores[1] {
		t.Errorf("the folder says %v, the archive %v", scores[0], scores[1])
	}
}

// A package that isn't what was packed is refused.
func TestDamagedPackageIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		damage func(dir string) error
		want   string
	}{
		"another threshold": {func(dir string) error {
			path := filepath.Join(dir, artifact.ModelInfoFile)
			b, err := os.ReadFile(path)
			return errors.Join(err, os.WriteFile(path, bytes.Replace(b, []byte(`"threshold": 0.5`), []byte(`"threshold": 0.9`), 1), 0o644))
		}, "model.json has sha256"},
		"a cut graph": {func(dir string) error { return os.Truncate(filepath.Join(dir, artifact.ModelGraphFile), 100) }, "model.onnx has sha256"},
		"no graph":    {func(dir string) error { return os.Remove(filepath.Join(dir, artifact.ModelGraphFile)) }, "it has no model.onnx"},
	} {
		out, err := run(t.Context(), stepstest.New(t, "package").Env, Config{}, In{Model: ngramtest.Random(t, 0.5, true)})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.damage(out.Package.Path); err != nil {
			t.Fatal(err)
		}
		if _, err := score.Open(t.Context(), out.Package.Path); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestRefusals(t *testing.T) {
	if _, err := run(t.Context(), stepstest.New(t, "package").Env, Config{}, In{Model: ngramtest.Random(t, 0.5, false)}); err == nil || !strings.Contains(err.Error(), "export-onnx") {
		t.Error(err)
	}
	report := filepath.Join(t.TempDir(), "report")
	if err := os.WriteFile(report, []byte(`{"fp_`), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := run(t.Context(), stepstest.New(t, "package").Env, Config{}, In{ngramtest.Random(t, 0.5, true), []artifact.Report{{Path: report}}}); err == nil || !strings.Contains(err.Error(), "report 1: not JSON") {
		t.Error(err)
	}
}
