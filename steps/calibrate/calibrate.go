// Package calibrate chooses a threshold on unlabelled traffic. It takes the lowest one that keeps an FP rate, given the largest share of
// the traffic that may be attacks.
package calibrate

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"os"

	"rein/steps"
	"rein/steps/artifact"
	"rein/steps/internal/scorer"
	"rein/steps/internal/seeds"
	"rein/steps/internal/threshold"
	"rein/steps/stats"
)

// Config holds the arguments of the step.
type Config struct {
	Limit      float64 `hcl:"limit,optional" default:"0.01" doc:"Largest FP rate that the threshold may have on such traffic."`
	Share      float64 `hcl:"attack_share,optional" default:"0.01" doc:"Largest share of the traffic that may be attacks. If more of it is attacks, the limit may be exceeded."`
	Least      float64 `hcl:"least_attack_share,optional" default:"0" doc:"Smallest share of the traffic that is attacks. It is used if attacks are given: the attacks that the model catches are subtracted from the flagged share."`
	Confidence float64 `hcl:"confidence,optional" default:"0.95" doc:"Confidence with which the traffic has to show that the limit is kept."`
	Cap        float64 `hcl:"cap,optional" default:"0" doc:"Largest threshold that may be chosen, however much of the traffic looks like attacks. 0: the threshold at which the report's recall is half of the recall at the model's own threshold."`
}

// Validate implements steps.Validator.
func (c *Config) Validate() error {
	var check steps.Checks
	check.Want(c.Cap >= 0 && c.Cap <= 1, "cap: %v; want a threshold from 0 to 1", c.Cap)
	t := c.traffic(c.Share)
	t.Least = c.Least // other shares of the table may have a threshold below it
	check.Add(t.Check())
	return check.Err()
}

// In holds the inputs of the step.
type In struct {
	Model   artifact.Model    `port:"model" doc:"the model whose threshold is chosen"`
	Traffic artifact.Rows     `port:"traffic" doc:"unlabelled rows as they come in; labels are ignored"`
	Attacks artifact.Rows     `port:"attacks,optional" doc:"labelled rows; the malicious ones show the recall"`
	Reports []artifact.Report `port:"report,optional" doc:"report of an evaluate step on the model; it shows how much recall a threshold costs"`
}

// Out holds the outputs of the step.
type Out struct {
	Model  artifact.Model  `port:"model" doc:"the same model with the new threshold"`
	Report artifact.Report `port:"report" doc:"the threshold, what it is based on, and the thresholds for other shares of attacks"`
}

// Step is the "calibrate" step type.
var Step = steps.New("calibrate", 3, "Choose a model's threshold on unlabelled traffic: the lowest one that keeps an FP rate.", run,
	steps.Stage(steps.Validation), steps.Isolated, steps.Fits("traffic", "chooses the threshold on"), steps.Fits("attacks", "chooses the threshold on"),
	steps.HeldOut("traffic", "attacks"), steps.Example(`step "calibrate" "mine" {
  model        = step.export.model
  traffic      = step.traffic.rows
  report       = step.test.report
  attack_share = 0.01
  limit        = 0.01
}`))

func run(ctx context.Context, env *steps.Env, c Config, in In) (Out, error) {
	out := Out{artifact.Model{Path: env.Out("model")}, artifact.Report{Path: env.Out("report")}}
	s, err := scorer.Open(ctx, in.Model, scorer.Options{Memo: env.Memo()})
	if err != nil {
		return out, err
	}
	defer s.Close()
	var attacks iter.Seq2[string, error]
	if in.Attacks.Path != "" {
		attacks = texts(in.Attacks, artifact.Malicious)
	}
	var set *stats.Set
	for _, r := range in.Reports {
		if set == nil {
			set = testSet(r.Path)
		}
	}
	r, err := c.choose(ctx, s, texts(in.Traffic, ""), attacks, set)
	if err != nil {
		return out, err
	}
	b, err := json.MarshalIndent(r, "", "  ")
	if err == nil {
		err = os.WriteFile(out.Report.Path, append(b, '\n'), 0o644)
	}
	if err != nil {
		return out, err
	}
	if err := r.Verdict(); err != nil {
		return out, err
	}
	env.Metric("threshold", r.Chosen.Threshold)
	env.Metric("traffic_rows", float64(r.Rows))
	env.Metric("traffic_fp_rate_at_most", r.Chosen.AtMost)
	return out, rewrite(in.Model, out.Model, r)
}

// rewrite copies a model and gives the copy the new threshold. It leaves out the models of further seeds, because the threshold isn't
// theirs.
func rewrite(from, to artifact.Model, r *Result) error {
	if err := os.CopyFS(to.Path, os.DirFS(from.Path)); err != nil {
		return err
	}
	info, err := to.Info()
	if err != nil {
		return err
	}
	info.Threshold, info.Rule = r.Chosen.Threshold, r.Rule
	delete(info.Training, threshold.ChoiceFact) // the promise was made for the old threshold
	return errors.Join(seeds.Drop(to.Path), to.WriteInfo(info))
}

// texts yields the texts of the rows with a label; "" means any label.
func texts(rows artifact.Rows, label string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for r, err := range rows.All() {
			if (err != nil || label == "" || r.Label == label) && !yield(r.Text, err) {
				return
			}
		}
	}
}
