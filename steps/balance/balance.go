// Package balance holds the class-balance gate. It has a rule for the share of benign rows, and limits for any other grouping. The rows
// pass through unchanged, byte for byte.
package balance

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"rein/steps"
	"rein/steps/artifact"
)

// Config is the rule: an ideal range and two limits, as shares of benign rows. The same limits apply to malicious rows.
type Config struct {
	Ideal      []float64 `hcl:"ideal,optional" default:"[0.40, 0.60]" doc:"The range within which a class's share is ideal."`
	Acceptable float64   `hcl:"acceptable,optional" default:"0.62" doc:"Limit for the share of the larger class: up to it the balance is acceptable, above it concerning."`
	Critical   float64   `hcl:"critical,optional" default:"0.65" doc:"Share of the larger class above which the balance is critical, which is a breach."`
	Limits     []Limit   `hcl:"limit,block" doc:"Bounds for the share of each group of another grouping. A group outside them is a breach."`
	OnBreach   string    `hcl:"on_breach,optional" default:"stop" enum:"stop,record" doc:"stop: a breach stops the run (a verdict, exit status 1); record: it is recorded and the run goes on."`
}

// Validate implements steps.Validator.
func (c Config) Validate() error {
	var check steps.Checks
	ideal := len(c.Ideal) == 2 && 0 <= c.Ideal[0] && c.Ideal[0] < c.Ideal[1] && c.Ideal[1] <= 1
	check.Want(ideal, "ideal: %s; want [LOW, HIGH] with 0 <= LOW < HIGH <= 1", steps.Listed(c.Ideal))
	check.Between("acceptable", c.Acceptable, 0, 1)
	check.Between("critical", c.Critical, 0, 1)
	check.Want(!ideal || c.Ideal[1] <= c.Acceptable, "acceptable: %v is below ideal's high end, %s", c.Acceptable, strings.Trim(steps.Listed(c.Ideal[max(len(c.Ideal)-1, 0):]), "[]"))
	check.Want(c.Acceptable > 1 || c.Acceptable <= c.Critical, "critical: %v is below acceptable, %v", c.Critical, c.Acceptable)
	for i, l := range c.Limits {
		if err := l.validate(); err != nil {
			check.Add(fmt.Errorf("limit %d: %w", i+1, err))
		}
	}
	return check.Err()
}

// In holds the input of the step.
type In struct {
	Rows artifact.Rows `port:"rows" doc:"the rows to judge"`
}

// Out holds the outputs of the step.
type Out struct {
	Rows artifact.Rows `port:"rows" doc:"the same rows"`
}

// Step is the "balance-assert" step type.
var Step = steps.New("balance-assert", 2, "Judge the share of each class. A critical share is a breach.", run, steps.Stage(steps.Data), steps.Keeps("rows"), steps.Example(`step "balance-assert" "balanced" {
  rows      = step.dataset.rows
  ideal     = [0.40, 0.60]
  on_breach = "record"
  limit {
    by    = "source"
    label = "malicious"
    most  = 0.3           # no source may hold more than 30% of the attacks
  }
}`))

// Severity says how bad a balance is. Higher is worse.
type Severity int

// The severities, from the mildest to the worst.
const (
	Ideal Severity = iota
	Acceptable
	Concerning
	Critical
)

func (s Severity) String() string {
	return [...]string{"ideal", "acceptable", "concerning", "critical"}[s]
}

// Judge applies the rule to a share of benign rows, 0 to 1.
func (c Config) Judge(benign float64) Severity {
	larger := max(benign, 1-benign)
	switch {
	case benign >= c.Ideal[0] && benign <= c.Ideal[1]:
		return Ideal
	case larger <= c.Acceptable:
		return Acceptable
	case larger <= c.Critical:
		return Concerning
	}
	return Critical
}

func run(ctx context.Context, env *steps.Env, c Config, in In) (Out, error) {
	n := newCounts(c.Limits)
	for r, err := range in.Rows.All() {
		if err != nil {
			return Out{}, err
		}
		if n.add(r); n.total%4096 == 0 && ctx.Err() != nil {
			return Out{}, ctx.Err()
		}
	}
	if n.total == 0 {
		return Out{}, errors.New("there are no rows to judge")
	}
	share := float64(n.benign) / float64(n.total)
	severity := c.Judge(share)
	breaches := n.breaches()
	env.Metric("benign_share", share)
	env.Metric("balance_severity", float64(severity))
	env.Metric("balance_breaches", float64(len(breaches)))
	said := fmt.Sprintf("%.1f%% of %d rows are benign: %s (ideal %g-%g%%, acceptable to %g%%, critical over %g%%)",
		100*share, n.total, severity, 100*c.Ideal[0], 100*c.Ideal[1], 100*c.Acceptable, 100*c.Critical)
	if c.OnBreach == "stop" && (severity == Critical || len(breaches) > 0) {
		if severity == Critical {
			breaches = append([]string{said}, breaches...)
		}
		return Out{}, steps.Verdictf("%s", strings.Join(breaches, "\n"))
	}
	if severity == Ideal {
		env.Logf("%s", said)
	} else {
		env.Notef("%s", said)
	}
	for _, b := range breaches {
		env.Notef("%s", b)
	}
	return Out{artifact.Rows{Path: env.Out("rows")}}, pass(in.Rows.Path, env.Out("rows"))
}

// pass copies the file of the rows. Its bytes stay the same, so dependent steps see no change.
func pass(from, to string) (err error) {
	r, err := os.Open(from)
	if err != nil {
		return err
	}
	defer r.Close()
	w, err := os.Create(to)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	_, err = io.Copy(w, r)
	return err
}
