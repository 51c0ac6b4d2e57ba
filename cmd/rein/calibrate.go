package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"strings"

	"github.com/spf13/cobra"

	"rein/pipelines/human"
	"rein/steps/calibrate"
)

func (a *app) calibrateCmd() *cobra.Command {
	var o calibrateFlags
	c := &cobra.Command{
		Use:   "calibrate PACKAGE --traffic FILE",
		Short: "Choose a packaged model's threshold for unlabelled traffic",
		Long: `calibrate scores traffic that nobody labelled, and chooses the lowest threshold whose FP rate keeps the limit with 95%
confidence if at most --attack-share of the traffic are attacks. It prints what other shares would give, the recall that
each threshold has on the package's own report, and how far planted attacks can have moved the threshold.
--profile keeps the threshold in the package; rein score --profile uses it.

FILE holds one prompt a line, or JSON objects where it ends in .jsonl ("-" is standard input). docs/production.md says
what the bound rests on.

EXIT STATUS
  0  there is such a threshold
  1  there is none: too few rows, a threshold over the cap
  2  PACKAGE is not a model or a package, a figure is out of range, FILE isn't there or holds no prompt
  3  the traffic can't be read`,
		Example: `  rein calibrate l2-model --traffic yesterday.jsonl --field prompt
  rein calibrate l2-model --traffic yesterday.jsonl --attack-share 0.002 --limit 0.005 --profile mine
  rein score l2-model prompts.jsonl --profile mine`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return a.calibrate(c, args[0], o) },
	}
	f := c.Flags()
	f.StringVar(&o.traffic, "traffic", "", "`FILE` of prompts as they come in")
	f.Float64Var(&o.Share, "attack-share", 0.01, "`SHARE` of the traffic that is attacks, at most")
	f.Float64Var(&o.Limit, "limit", 0.01, "FP `RATE` to keep")
	f.Float64Var(&o.Confidence, "confidence", 0.95, "`CONFIDENCE` with which the traffic has to show that")
	f.StringVar(&o.attacks, "attacks", "", "`FILE` of labelled attacks: their recall is taken off what is flagged, see --least-attack-share")
	f.Float64Var(&o.Least, "least-attack-share", 0, "`SHARE` of the traffic that is attacks, at least; needs --attacks")
	f.Float64Var(&o.Cap, "cap", 0, "`THRESHOLD` never to exceed (default where the report's recall is half of today's)")
	f.StringVar(&o.profile, "profile", "", "keep the threshold in the package under this `NAME`")
	f.StringVar(&o.field, "field", "text", "`FIELD` of a JSON object that holds the prompt")
	f.BoolVar(&a.json, "json", false, "one JSON object")
	return c
}

type calibrateFlags struct {
	calibrate.Config
	traffic, attacks, profile, field string
}

func (a *app) calibrate(c *cobra.Command, pkg string, o calibrateFlags) error {
	switch {
	case o.traffic == "":
		return configError(errors.New("--traffic is missing: a file of prompts as they come in, one a line, or JSON lines; a few thousand are a good number"))
	case o.Least > 0 && o.attacks == "":
		return configError(errors.New("--least-attack-share needs --attacks: labelled attacks that show what the model catches"))
	}
	if err := o.Validate(); err != nil {
		return configError(err)
	}
	if o.profile != "" {
		if err := calibrate.CheckProfile(o.profile); err != nil {
			return configError(err)
		}
	}
	var attacks iter.Seq2[string, error]
	if o.attacks != "" {
		in, f, err := openPrompts(o.attacks, o.field, '\n', false)
		if err != nil {
			return err
		}
		defer f.Close()
		attacks = texts(in, "malicious")
	}
	traffic := a.typed(c.Context(), o.field, '\n')
	if o.traffic != "-" {
		in, f, err := openPrompts(o.traffic, o.field, '\n', false)
		if err != nil {
			return err
		}
		defer f.Close()
		traffic = in
	}
	r, err := calibrate.Package(c.Context(), pkg, o.Config, texts(traffic, ""), attacks)
	fmt.Fprint(a.err, traffic.doubt("a file whose name ends in .jsonl is read as objects"))
	var read *readError
	switch {
	case errors.As(err, &read):
		return read.error
	case err != nil && c.Context().Err() != nil:
		return err
	case err != nil:
		return configError(err)
	}
	verdict := r.Verdict()
	if verdict == nil && o.profile != "" {
		if err := calibrate.Keep(pkg, o.profile, r); err != nil {
			return err
		}
	}
	if err := a.printCalibration(r); err != nil {
		return err
	}
	if verdict == nil && o.profile != "" && !a.json {
		fmt.Fprintf(a.out, "\nKept as profile %s: rein score %s --profile %s\n", o.profile, pkg, o.profile)
	}
	return verdict
}

// readError is a fault in a file of prompts.
type readError struct{ error }

// texts are the texts of prompts; with a label only those of objects that have it, or none.
func texts(in *prompts, label string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for {
			p, err := in.next()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield("", &readError{err})
				return
			}
			var has string
			_ = json.Unmarshal(p.fields["label"], &has) // no string: no label
			if strings.TrimSpace(p.text) == "" || label != "" && cmp.Or(has, label) != label {
				continue
			}
			if !yield(p.text, nil) {
				return
			}
		}
	}
}

func (a *app) printCalibration(r *calibrate.Result) error {
	if a.json {
		return writeJSONLine(a.out, r)
	}
	fmt.Fprintf(a.out, "%s of traffic, %s different. FP rate at most %s with %s confidence.\n\n", human.Many(r.Rows, "row"), human.Count(int64(r.Distinct)), share(r.Config.Limit), share(r.Config.Confidence))
	t := &human.Table{}
	row := func(name string, l calibrate.Line) {
		if l.Need > 0 {
			t.Row(name, "need "+human.Count(int64(l.Need)), "", "", "")
			return
		}
		t.Row(name, fmt.Sprintf("%.6f", l.Threshold), human.Count(int64(l.Flagged)), share(l.AtMost), recallOf(l))
	}
	t.Row("attacks at most", "threshold", "flagged", "FP rate at most", "recall on the report")
	for _, l := range r.Table {
		row(share(l.Share), l)
	}
	row("chosen: "+share(r.Config.Share), r.Chosen)
	row("the model's own", r.Own)
	row("without planted", r.Flooded)
	if err := t.Write(a.out); err != nil {
		return err
	}
	fmt.Fprintln(a.out)
	a.say("\"without planted\": the highest scores, as many as the attack share allows, are left out; planted attacks can have moved the threshold from there.")
	a.say("%s among this traffic would be enough to choose the threshold; %s.", human.Many(r.Owned, "planted row"), capOf(r))
	for _, n := range r.Notes {
		a.say("note: %s", n)
	}
	return nil
}

func share(v float64) string { return fmt.Sprintf("%.4g%%", 100*math.Round(v*1e6)/1e6) }

func recallOf(l calibrate.Line) string {
	if l.Recall == nil {
		return "–"
	}
	return fmt.Sprintf("%.1f%%", 100**l.Recall)
}

func capOf(r *calibrate.Result) string {
	if r.Cap == nil {
		return "there is no cap"
	}
	return fmt.Sprintf("the cap is %.6f", *r.Cap)
}
