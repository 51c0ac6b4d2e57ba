package lang

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/hashicorp/hcl/v2"
)

// A project file and a base's block give executors and a cache; a step of a pipeline picks one, and the file is no pipeline.
func TestProject(t *testing.T) {
	dir := t.TempDir()
	o := testOptions(map[string]string{
		"p/main.hcl": "pipeline \"main\" {\n  extends = \"base.hcl\"\n}\nvariable \"where\" {\n  default = \"gpu\"\n}\nstep \"synthesize\" \"corpus\" {\n  executor = var.where\n}\n",
		"p/base.hcl": "executor \"slurm\" \"small\" {}\n",
	})
	o.Dir, o.Project, o.Env = dir, "rein.hcl", []string{"LAB=vision"}
	o.Overlay = map[string][]byte{"rein.hcl": []byte(`executor "slurm" "gpu" {
  account     = env("LAB")
  time        = "1-12:00:00"
  setup       = ["module load cuda"]
  max_jobs    = 7
  requeues    = 0
  more_time   = 1.5
  on_interrupt = "leave"
  files        = "cache"
}
cache {
  remote  = "file://shared/cache"
  mode    = "read-only"
  timeout = "3s"
}
`)}
	p, diags := Load([]string{"p"}, o)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	zero := 0
	want := &Project{Executors: map[string]*Executor{
		"gpu": {Kind: "slurm", Name: "gpu", Pos: "rein.hcl:1", Slurm: Slurm{Account: "vision", Time: 36 * time.Hour, Setup: []string{"module load cuda"},
			MaxJobs: 7, Requeues: &zero, MoreTime: 1.5, OnInterrupt: "leave", Files: "cache"}},
		"small": {Kind: "slurm", Name: "small", Pos: "p/base.hcl:1", Slurm: Slurm{OnInterrupt: "ask", Files: "shared"}},
	}, Cache: &SharedCache{Remote: "file://" + dir + "/shared/cache", ReadOnly: true, Timeout: 3 * time.Second, Pos: "rein.hcl:11"}}
	if d := cmp.Diff(want, p.Project, cmpopts.IgnoreUnexported(Executor{}, SharedCache{})); d != "" {
		t.Error(d)
	}
	if got := p.Graph.Pipelines[0].Nodes[0].Executor; got != "gpu" {
		t.Errorf("the step's executor is %q", got)
	}
	if err := p.Project.Check("gp"); err == nil || err.Error() != `there is no executor "gp". Did you mean "gpu"?` {
		t.Error(err)
	}
	if err := p.Project.Check("local"); err != nil {
		t.Error(err)
	}
}

// A project file in a folder of pipelines is not one of them.
func TestProjectFileIsNoPipeline(t *testing.T) {
	o := testOptions(nil)
	o.FS, o.Dir, o.Project = nil, t.TempDir(), "rein.hcl"
	write(t, o.Dir, "rein.hcl", "cache {\n  remote = \"s3://b\"\n}\n")
	write(t, o.Dir, "main.hcl", "pipeline \"main\" {}\n")
	p, diags := Load([]string{"."}, o)
	if diags.HasErrors() || len(p.Pipelines) != 1 || p.Pipelines[0].Name != "main" {
		t.Errorf("%d pipelines: %v", len(p.Pipelines), diags)
	}
	if p, diags = Load([]string{"rein.hcl"}, o); !diags.HasErrors() && len(p.Pipelines) != 0 {
		t.Errorf("the project file was taken for a pipeline: %v", hcl.Diagnostics(diags))
	}
}

func TestTimes(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"90s": 90 * time.Second, "4h": 4 * time.Hour, "12:00:00": 12 * time.Hour, "2-01": 49 * time.Hour, "1-12:30": 36*time.Hour + 30*time.Minute,
		"90": 0, "90:00": 0, "-1h": 0, "0s": 0, "1-": 0, "soon": 0, "1-2:3:4:5": 0, "0-0": 0,
	} {
		got, err := parseTime(text)
		if (err == nil) != (want > 0) || got != want {
			t.Errorf("%q: %v, %v; want %v", text, got, err, want)
		}
	}
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
