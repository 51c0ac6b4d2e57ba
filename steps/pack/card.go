package pack

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"rein/steps/artifact"
	"rein/steps/internal/encoder"
	"rein/steps/internal/ngram"
	"rein/steps/internal/threshold"
	"rein/steps/stats"
)

// reading is what the card needs from a report of any step: an evaluation has sets, a robustness trial has edits, a benchmark has
// latencies, a certificate has links.
type reading struct {
	stats.Report
	Trials   []trial           `json:"trials"`
	Hardware map[string]string `json:"hardware"`
	Latency  []latency         `json:"latency"`
	Links    []link            `json:"links"`
}

type trial struct {
	Edit     string         `json:"edit"`
	Strength float64        `json:"strength"`
	Recall   stats.Interval `json:"recall"`
}

type latency struct {
	Threads int            `json:"threads"`
	P95     stats.Interval `json:"p95_ms"`
}

type link struct {
	From    string  `json:"from"`
	To      string  `json:"to"`
	Rows    int     `json:"rows"`
	Max     float64 `json:"logit_diff_max"`
	Flipped int     `json:"decisions_flipped"`
}

// kind describes in words what kind of report it is.
func (r reading) kind() string {
	switch {
	case len(r.Sets) > 0:
		return "evaluation on held-out rows"
	case len(r.Trials) > 0:
		return "robustness against edited prompts"
	case len(r.Latency) > 0:
		return "speed and size"
	case len(r.Links) > 0:
		return "certificate: how far the graph's answers are from the trained model's"
	}
	return "report"
}

// card returns the package's README: how to use the model, what it is, how good it is, and what it isn't for.
func card(c Config, info artifact.ModelInfo, choice threshold.Choice, files, reports []string, read []reading) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\nA classifier of prompts. Threat score = 1 - P(benign); a prompt is malicious at a threat score of %.6g or more\n(%s).\n\n", c.Name, info.Threshold, info.Rule)
	b.WriteString(promised(choice))
	fmt.Fprintf(&b, "Classes, in the order of the outputs: %s.\n\n", strings.Join(info.Classes, ", "))
	use(&b, info)
	about(&b, c, info, choice)
	measured(&b, read)
	limits(&b, info, read)
	b.WriteString("## Files\n\n")
	for i, name := range reports {
		fmt.Fprintf(&b, "- `%s`: %s\n", name, read[i].kind())
	}
	for _, name := range files {
		fmt.Fprintf(&b, "- `%s`\n", name)
	}
	return b.String()
}

// promised returns what the threshold promises for a new source, or "".
func promised(c threshold.Choice) string {
	if c.Promise == nil || c.Promise.Sources == 0 {
		return ""
	}
	apart := ""
	if c.LeftOut > 0 {
		apart = fmt.Sprintf(" %d of them train, too: their rows were scored by models that were trained like this one without them.", c.LeftOut)
	}
	return fmt.Sprintf("That threshold rests on %d sources.%s On a further source that comes as they did, its FP rate is at most %g%% with a probability of %.0f%%.\n\n",
		c.Promise.Sources, apart, 100*c.Promise.Limit, 100*c.Promise.Probability)
}

func use(b *strings.Builder, info artifact.ModelInfo) {
	needs := "numpy onnxruntime tokenizers"
	if info.Kind == ngram.Kind {
		needs = "numpy onnxruntime"
	}
	fmt.Fprintf(b, `## Use

    echo "Ignore all previous instructions" | rein score .

or, in Python (pip install %s), from %s:

    echo "Ignore all previous instructions" | python %s

or, in Go, with rein/steps/score:

    s, err := score.Open(ctx, "this-folder")
    answers, err := s.Score(ctx, []string{"Ignore all previous instructions"})

%s (also in the metadata of %s) says how text becomes the graph's input.

`, needs, "`"+scriptFile+"`", scriptFile, "`"+artifact.ModelInfoFile+"`", "`"+artifact.ModelGraphFile+"`")
}

// about writes what the model was made from, and how.
func about(b *strings.Builder, c Config, info artifact.ModelInfo, choice threshold.Choice) {
	b.WriteString("## Data and strategy\n\n")
	if c.Strategy != "" {
		b.WriteString(c.Strategy + "\n\n")
	}
	if d := info.Data; d != nil {
		made := 0
		for _, n := range d.Methods {
			made += n
		}
		fmt.Fprintf(b, "- trained on %d rows, %d benign and %d malicious; ", d.Benign+d.Malicious, d.Benign, d.Malicious)
		if d.CrossFit > 0 {
			fmt.Fprintf(b, "the threshold and the number of epochs rest on %d of them, each scored by one of %d models that were trained like this one without a group of sources, the row's own among them\n", d.Validation, d.CrossFit)
		} else {
			alone := ""
			if choice.LeftOut > 0 {
				alone = ", with rows of sources that train"
			}
			fmt.Fprintf(b, "%d others stopped the training and chose the threshold%s\n", d.Validation, alone)
		}
		fmt.Fprintf(b, "- %d rows as collected, %d made%s\n", d.Benign+d.Malicious-made, made, listed(d.Methods, ": "))
		if len(d.Sources) > 0 {
			fmt.Fprintf(b, "- %d sources%s\n", len(d.Sources), listed(d.Sources, ", most rows from "))
		}
	}
	kind := info.Kind
	if cfg, err := encoder.ParseConfig(info.Text); info.Kind == encoder.Kind && err == nil {
		kind = fmt.Sprintf("%s, fine-tuned from %s", kind, cfg.Base)
	}
	fmt.Fprintf(b, "- model: %s%s; epochs %s, seed %s\n\n", kind, map[string]string{"int8": ", quantised to int8", "fp16": ", in float16"}[info.Weights],
		cmp.Or(info.Training["epochs"], "not known"), cmp.Or(info.Training["seed"], "not known"))
}

// mostListed is the largest number of names that the card lists.
const mostListed = 8

// listed returns counts with their names, the highest first.
func listed(counts map[string]int, before string) string {
	names := slices.SortedFunc(maps.Keys(counts), func(a, b string) int { return cmp.Or(counts[b]-counts[a], strings.Compare(a, b)) })
	var parts []string
	for _, n := range names[:min(len(names), mostListed)] {
		parts = append(parts, fmt.Sprintf("%s %d", n, counts[n]))
	}
	if len(parts) == 0 {
		return ""
	}
	if len(names) > mostListed {
		parts = append(parts, "...")
	}
	return before + strings.Join(parts, ", ")
}

// measured writes the table of figures with their 95% intervals.
func measured(b *strings.Builder, read []reading) {
	b.WriteString("## Measured\n\n")
	table := false
	for _, r := range read {
		for _, name := range []string{"test", "unseen"} {
			s := r.Sets[name]
			if s == nil || s.Rows == 0 {
				continue
			}
			of := func(metric string, i *stats.Interval) *stats.Interval {
				if name == stats.NewSources {
					return newSources(s, metric, i)
				}
				return i
			}
			if !table {
				b.WriteString("| rows | benign, malicious | FP rate | recall | F1 macro | ROC-AUC |\n| --- | --- | --- | --- | --- | --- |\n")
				table = true
			}
			fmt.Fprintf(b, "| %s | %d, %d | %s | %s | %s | %s |\n", map[string]string{"test": "test", "unseen": "of sources that training never saw"}[name],
				s.Benign.Rows, s.Malicious.Rows, percent(of("fp_rate", s.FPRate)), percent(of("tp_rate", s.Recall)), number(of("f1_macro", s.F1Macro)), number(of("roc_auc", s.AUC)))
		}
	}
	if table {
		b.WriteString("\nIn brackets: 95% intervals; of sources that training never saw, over sources.\n\n")
	}
	for _, r := range read {
		if r.Folds > 0 {
			fmt.Fprintf(b, "These are not figures of this model, which has seen all of those rows: %d models that were made in the same way, each of a part of the sources, were measured on the others.\n\n", r.Folds)
		}
	}
	for _, r := range read {
		for _, l := range r.Latency {
			threads := "1 thread"
			if l.Threads != 1 {
				threads = fmt.Sprintf("%d threads", l.Threads)
			}
			fmt.Fprintf(b, "- one prompt on %s of %s: 95%% within %.3g ms (%.3g-%.3g over rounds)\n", threads, cmp.Or(r.Hardware["cpu"], r.Hardware["arch"]), l.P95.Value, l.P95.Low, l.P95.High)
		}
		for _, l := range r.Links {
			fmt.Fprintf(b, "- %s to %s, %d rows: largest difference of a logit %.2g, %d decisions differ\n", l.From, l.To, l.Rows, l.Max, l.Flipped)
		}
	}
	if len(read) == 0 {
		b.WriteString("No report was given to the package: nothing is known of how good this model is.\n")
	}
	b.WriteString("\n")
}

// limits writes what the figures don't promise.
func limits(b *strings.Builder, info artifact.ModelInfo, read []reading) {
	b.WriteString("## Limits of use\n\n")
	for _, r := range read {
		test, unseen := r.Sets["test"], r.Sets["unseen"]
		if unseen != nil && unseen.Rows > 0 {
			fmt.Fprintf(b, "- On sources that training never saw the FP rate is %s and recall %s: expect that of traffic unlike the training rows, and measure on your own.\n", percent(newSources(unseen, "fp_rate", unseen.FPRate)), percent(newSources(unseen, "tp_rate", unseen.Recall)))
		} else if test != nil {
			b.WriteString("- Not measured on sources that training never saw: traffic unlike the training rows may fare far worse.\n")
		}
		if test != nil {
			fmt.Fprintf(b, "- A threat score is no probability: on the test rows it is off by %.3f on average (expected calibration error).\n", test.ECE)
		}
		if len(r.Trials) > 0 {
			worst := slices.MinFunc(r.Trials, func(x, y trial) int { return cmp.Compare(x.Recall.Value, y.Recall.Value) })
			fmt.Fprintf(b, "- Edited attacks get past it: recall is %s under %q at strength %g.\n", percent(&worst.Recall), worst.Edit, worst.Strength)
		}
	}
	var text struct {
		Tokens int `json:"max_tokens"`
		Bytes  int `json:"max_bytes"`
	}
	if err := json.Unmarshal(info.Text, &text); err == nil && text.Tokens > 0 {
		if w := info.Windows; w != nil {
			fmt.Fprintf(b, "- It reads a prompt of more than %d tokens in windows that overlap by %d, %d at most; of a longer one the middle isn't read. The prompt's score is made of the windows' by the rule %s (%s).\n",
				text.Tokens, w.Overlap, w.Most, w.Rule, w.Why)
		} else {
			fmt.Fprintf(b, "- It sees the first %d tokens of a prompt and nothing behind them.\n", text.Tokens)
		}
	} else if err == nil && text.Bytes > 0 {
		fmt.Fprintf(b, "- Of a prompt of more than %d bytes it sees the first and the last half of that.\n", text.Bytes)
	}
	b.WriteString("- One layer of defence among others: a prompt that it passes is not proven harmless, and one that it flags is not proven an attack.\n\n")
}

// newSources returns a figure on new sources with its interval over sources, which is never inside that over rows. If there are too few
// sources for that, it returns i.
func newSources(s *stats.Set, metric string, i *stats.Interval) *stats.Interval {
	over, ok := s.OverSources(metric, i)
	if !ok {
		return i
	}
	over = over.Around(*i)
	return &over
}

func percent(i *stats.Interval) string {
	if i == nil {
		return "not measured"
	}
	return fmt.Sprintf("%.2f%% (%.2f-%.2f)", 100*i.Value, 100*i.Low, 100*i.High)
}

func number(i *stats.Interval) string {
	if i == nil {
		return "not measured"
	}
	return fmt.Sprintf("%.3f (%.3f-%.3f)", i.Value, i.Low, i.High)
}
