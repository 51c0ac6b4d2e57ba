// Package langtest gives tests of the language step types without work, files in memory, and golden files.
package langtest

import (
	"context"
	"flag"
	"io/fs"
	"os"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"rein/steps"
	"rein/steps/artifact"
)

// Update is the flag that rewrites golden files.
var Update = flag.Bool("update", false, "rewrite the golden files")

// Golden compares with a file, or rewrites it.
func Golden(t testing.TB, file string, got []byte) {
	t.Helper()
	if *Update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-update rewrites it):\n%s", file, diff)
	}
}

// Files are files in memory.
func Files(files map[string]string) fs.FS {
	out := fstest.MapFS{}
	for name, text := range files {
		out[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return out
}

// The fakes have the ports and arguments of the step types that ship, as far as the shipped pipelines use them.

type none struct{}

type (
	corpusConfig struct {
		Seed  int     `hcl:"seed,optional" default:"1" doc:"Seed of all choices."`
		Scale float64 `hcl:"scale,optional" default:"1" doc:"Share of the full size."`
	}
	corpusOut struct {
		Train      artifact.Rows `port:"train" doc:"Training rows."`
		Validation artifact.Rows `port:"validation" doc:"Validation rows."`
		Pool       artifact.Rows `port:"pool" doc:"Benign rows."`
		Test       artifact.Rows `port:"test" doc:"Held-out rows."`
		Unseen     artifact.Rows `port:"unseen" doc:"Rows of other families."`
	}
	dataIn struct {
		Data artifact.File `port:"data" missing:"Or give a list." doc:"A file or folder."`
	}
	rowsOut struct {
		Rows artifact.Rows `port:"rows" doc:"The rows."`
	}
	rowsIn struct {
		Rows artifact.Rows `port:"rows" doc:"The rows to work on."`
	}
	splitIn struct {
		Rows []artifact.Rows `port:"rows" doc:"The rows to divide."`
		Pool artifact.Rows   `port:"pool,optional" doc:"A pool of its own."`
	}
	splitConfig struct {
		Folds     int                `hcl:"folds,optional" doc:"Groups of sources."`
		Fold      int                `hcl:"fold,optional" doc:"Which of them."`
		Choosing  int                `hcl:"validation_sources,optional" doc:"Sources of validation."`
		By        string             `hcl:"by,optional" default:"source" enum:"source,root,row" doc:"What stays together."`
		Fractions map[string]float64 `hcl:"fractions,optional" doc:"Share of each part."`
		Seed      int                `hcl:"seed,optional" default:"1" doc:"Seed of all choices."`
	}
	trainConfig struct {
		Epochs int     `hcl:"epochs,optional" default:"10" doc:"At most so many passes."`
		Cross  int     `hcl:"cross_fit,optional" doc:"Groups of sources that are left out in turn."`
		Folds  int     `hcl:"threshold_folds,optional" doc:"Groups of sources for the threshold."`
		Seed   int     `hcl:"seed,optional" default:"1" doc:"Seed of all choices."`
		Device string  `hcl:"device,optional" default:"auto" enum:"auto,cpu,cuda" key:"-" doc:"What does the work."`
		Rule   string  `hcl:"threshold_rule,optional" default:"fp_rate" doc:"How the threshold is chosen."`
		Sure   float64 `hcl:"fp_rate_confidence,optional" default:"0" doc:"How sure."`
		For    string  `hcl:"threshold_for,optional" doc:"Whose limit it is."`
		Share  float64 `hcl:"new_sources_share,optional" doc:"Of how many sources."`
		Model  struct {
			Kind    string `hcl:"kind,optional" default:"ngram" enum:"ngram,encoder" doc:"Family of model."`
			Buckets int    `hcl:"buckets,optional" default:"65536" doc:"Size of the hash table."`
		} `hcl:"model,block" doc:"The model's shape."`
	}
	trainIn struct {
		Rows       artifact.Rows  `port:"rows" doc:"Rows to learn from."`
		Validation artifact.Rows  `port:"validation" doc:"Rows that choose the threshold."`
		Further    artifact.Rows  `port:"threshold_rows,optional" doc:"Rows that choose it, too."`
		Init       artifact.Model `port:"init,optional" doc:"A model to go on from."`
	}
	modelOut struct {
		Model artifact.Model `port:"model" doc:"The model."`
	}
	mineConfig struct {
		Recall  float64 `hcl:"recall_at_least,optional" doc:"Where to mine."`
		Reserve float64 `hcl:"reserve,optional" doc:"Share of the rows that may stand in."`
	}
	mineOut struct {
		Rows    artifact.Rows `port:"rows" doc:"The false positives."`
		Reserve artifact.Rows `port:"reserve" doc:"Rows that may stand in."`
	}
	mineIn struct {
		Model artifact.Model `port:"model" doc:"The model to look at."`
		Pool  artifact.Rows  `port:"pool" doc:"Benign rows."`

		Validation artifact.Rows `port:"validation,optional" doc:"Rows to choose on."`
	}
	sampleIn struct {
		Rows    artifact.Rows `port:"rows" doc:"The rows to sample."`
		Reserve artifact.Rows `port:"reserve,optional" doc:"Rows that may stand in."`
	}
	sampleConfig struct {
		Size   int                `hcl:"size" doc:"How many rows to take."`
		By     string             `hcl:"by,optional" default:"category" doc:"Column of the strata."`
		Quotas map[string]float64 `hcl:"quotas,optional" doc:"Share of each stratum."`
		Seed   int                `hcl:"seed,optional" default:"1" doc:"Seed of all choices."`
	}
	augmentConfig struct {
		Variations int                `hcl:"variations,optional" doc:"How many of each row."`
		Size       int                `hcl:"size,optional" doc:"How many in all."`
		Methods    map[string]float64 `hcl:"methods,optional" doc:"Weight of each method."`
		Families   map[string]float64 `hcl:"families,optional" doc:"Share of each attack family."`
		Seed       int                `hcl:"seed,optional" default:"1" doc:"Seed of all choices."`
		APIKey     string             `hcl:"api_key,optional" doc:"Key of a service."`
	}
	augmentIn struct {
		Rows  artifact.Rows   `port:"rows" doc:"Rows to vary."`
		Avoid []artifact.Rows `port:"avoid,optional" doc:"Rows that must not come out."`
	}
	mergeIn struct {
		Base artifact.Rows   `port:"base" doc:"The rows to start with."`
		Add  []artifact.Rows `port:"add,optional" doc:"The rows to add."`
	}
	balanceConfig struct {
		Ideal    []float64 `hcl:"ideal,optional" doc:"Ideal range of the benign share."`
		Critical float64   `hcl:"critical,optional" default:"0.65" doc:"Limit."`
		OnBreach string    `hcl:"on_breach,optional" default:"stop" enum:"stop,record" doc:"What a breach does."`
	}
	datasetConfig struct {
		Label   string            `hcl:"label,optional" enum:"benign,malicious" doc:"Label of rows that have none."`
		Columns map[string]string `hcl:"columns,optional" doc:"Where text and label are."`
		Labels  map[string]string `hcl:"labels,optional" doc:"What the words of the label column mean."`
		MaxBad  int               `hcl:"max_bad,optional" doc:"Unusable rows to put up with."`
	}
	evaluateConfig struct {
		Own    bool   `hcl:"own_counts,optional" doc:"Whether own traffic counts."`
		OnLeak string `hcl:"on_leak,optional" default:"stop" enum:"stop,exclude,record" doc:"What leaked rows do."`
	}
	leakConfig struct {
		OnLeak string `hcl:"on_leak,optional" doc:"What leaked rows do."`
	}
	heldOutIn struct {
		Rows       artifact.Rows `port:"rows" doc:"Rows to report on."`
		Train      artifact.Rows `port:"train" doc:"Rows that train."`
		Validation artifact.Rows `port:"validation,optional" doc:"Rows that choose."`
		Pool       artifact.Rows `port:"pool,optional" doc:"Rows that are mined."`
	}
	heldOutOut struct {
		Own artifact.Rows `port:"own" doc:"Own traffic."`
		New artifact.Rows `port:"new" doc:"New sources."`
	}
	evaluateIn struct {
		Scores     []artifact.Scores `port:"scores,optional" doc:"Scores of folds."`
		Reports    []artifact.Report `port:"reports,optional" doc:"Reports of folds."`
		Model      artifact.Model    `port:"model,optional" doc:"The model."`
		Test       artifact.Rows     `port:"test,optional" doc:"Held-out rows."`
		Unseen     artifact.Rows     `port:"unseen,optional" doc:"Rows of other families."`
		Pool       artifact.Rows     `port:"pool,optional" doc:"Rows that were mined."`
		Validation artifact.Rows     `port:"validation,optional" doc:"rows to calibrate on"`
	}
	evaluateOut struct {
		Report artifact.Report `port:"report" doc:"Figures."`
		Scores artifact.Scores `port:"scores" doc:"A score for each row."`
	}
	exportIn struct {
		Model artifact.Model `port:"model" doc:"the model"`
		Rows  artifact.Rows  `port:"rows,optional" doc:"rows to compare on"`
	}
	exportOut struct {
		Model       artifact.Model  `port:"model" doc:"The model."`
		Certificate artifact.Report `port:"certificate" doc:"How far its answers are from the trained one's."`
	}
	benchIn struct {
		Model artifact.Model `port:"model" doc:"The model."`
		Rows  artifact.Rows  `port:"rows" doc:"Rows to time."`
	}
	editsIn struct {
		Model artifact.Model  `port:"model" doc:"The model."`
		Rows  []artifact.Rows `port:"rows" doc:"Rows to edit."`
	}
	reportOut struct {
		Report artifact.Report `port:"report" doc:"Figures."`
	}
	packageConfig struct {
		Strategy string `hcl:"strategy,optional" doc:"What was done."`
	}
	packageIn struct {
		Model   artifact.Model    `port:"model" doc:"The model."`
		Reports []artifact.Report `port:"reports,optional" doc:"What was measured."`
	}
	packageOut struct {
		Package artifact.Package `port:"package" doc:"The package."`
	}
	execConfig struct {
		Command []string          `hcl:"command" doc:"Program and arguments."`
		Outputs []string          `hcl:"outputs,optional" doc:"Names of the outputs."`
		Env     map[string]string `hcl:"env,optional" doc:"Environment."`
		Mount   []struct {
			Path string `hcl:"path" doc:"Where."`
			Mode string `hcl:"mode,optional" default:"ro" enum:"ro,rw" doc:"How."`
		} `hcl:"mount,block" doc:"A folder to mount."`
	}
)

func fake[C, I, O any](name, doc string, options ...steps.Option) *steps.Type {
	return steps.New(name, 1, doc, func(context.Context, *steps.Env, C, I) (O, error) {
		var o O
		return o, nil
	}, options...)()
}

// Types are the fakes.
func Types() []*steps.Type {
	return []*steps.Type{
		fake[corpusConfig, none, corpusOut]("synthesize", "Writes the built-in corpus."),
		fake[datasetConfig, dataIn, rowsOut]("dataset", "Reads rows from files."),
		fake[splitConfig, splitIn, corpusOut]("split", "Splits rows by group.", steps.Divides("rows", "pool")),
		fake[leakConfig, heldOutIn, heldOutOut]("held-out", "Leaves out rows that models are made with.", steps.Divides("rows")),
		fake[trainConfig, trainIn, modelOut]("train-gpu", "Trains a model."),
		fake[mineConfig, mineIn, mineOut]("mine", "Finds false positives.", steps.Passes("pool")),
		fake[sampleConfig, sampleIn, rowsOut]("sample", "Takes a stratified sample.", steps.Passes("rows", "reserve")),
		fake[augmentConfig, augmentIn, rowsOut]("augment", "Writes variations of rows.", steps.Passes("rows")),
		fake[sampleConfig, augmentIn, rowsOut]("hard-negatives", "Writes benign rows that look like attacks.", steps.Passes("rows")),
		fake[none, mergeIn, rowsOut]("merge", "Puts rows together.", steps.Passes("base", "add")),
		fake[balanceConfig, rowsIn, rowsOut]("balance-assert", "Checks the balance of classes.", steps.Keeps("rows")),
		fake[evaluateConfig, evaluateIn, evaluateOut]("evaluate", "Measures a model on held-out rows."),
		fake[none, exportIn, exportOut]("export-onnx", "Exports a model."),
		fake[none, editsIn, reportOut]("robustness", "Measures a model on edited rows."),
		fake[none, benchIn, reportOut]("benchmark", "Times a model."),
		fake[packageConfig, packageIn, packageOut]("package", "Packs a model with its reports."),
		fake[execConfig, steps.Inputs, steps.Outputs]("exec", "Runs a program."),
	}
}
