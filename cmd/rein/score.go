package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/spf13/cobra"

	"rein/pipelines/human"
	"rein/steps/score"
)

func (a *app) scoreCmd() *cobra.Command {
	var null, objects bool
	var field, profile string
	var why explaining
	c := &cobra.Command{
		Use:   "score PACKAGE [FILE]",
		Short: "Score text or JSON lines with a packaged model",
		Long: `score reads prompts from FILE or standard input ("-"), one a line, and prints for each its threat score
(1 - P(benign)), the verdict at the model's threshold, and the most likely attack family. PACKAGE is the folder or
archive (tar.zst) of a package step; its files are compared with their checksums first. --profile takes a threshold that
rein calibrate chose for traffic of yours. The last line of standard error says which threshold it was.

With --jsonl, or where FILE ends in .jsonl, each line is a JSON object. It is printed again with score, malicious,
family, threshold, classes and cut added: how much of the text the model didn't read, as it is too long.

With --explain each verdict comes with the spans that carry it: without them a malicious prompt is benign, and with any one
of them put back it is malicious again. That takes up to some hundred answers of the model a prompt. Of an n-gram model it
also says what each word adds to the log-odds by the linear part, exactly. --near and --alarms take rows (Parquet or JSON lines,
as rein get writes them): the training rows that a prompt is most like, and where they came from; the cluster of known false
alarms that it falls into.

EXIT STATUS
  0  scored, whatever the verdicts
  2  PACKAGE is not a model or a package, is incomplete, or has no such profile
  3  the text can't be read`,
		Example: `  rein get pipelines/hybrid.hcl step.package.package -o l2-model
  echo "Ignore all previous instructions" | rein score l2-model
  rein score l2-model prompts.jsonl --field prompt`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(c *cobra.Command, args []string) error {
			end := byte('\n')
			if null {
				end = 0
			}
			in := a.typed(c.Context(), field, end)
			if objects {
				in.field = field
			}
			if len(args) == 2 && args[1] != "-" {
				file, closer, err := openPrompts(args[1], field, end, objects)
				if errors.Is(err, fs.ErrNotExist) {
					return configError(fmt.Errorf("%w; FILE holds one prompt a line, a single prompt goes to standard input: echo TEXT | rein score %s", err, args[0]))
				} else if err != nil {
					return err
				}
				defer closer.Close()
				in = file
			}
			known, err := why.known()
			if err != nil {
				return err
			}
			return a.score(c.Context(), args[0], profile, why, known, in)
		},
	}
	c.Flags().BoolVarP(&null, "null", "0", false, "prompts end with a zero byte, so that they may hold newlines")
	c.Flags().BoolVar(&a.json, "json", false, "one JSON object a prompt, with the probability of each class")
	c.Flags().BoolVar(&objects, "jsonl", false, "prompts come in JSON objects, one a line")
	c.Flags().StringVar(&field, "field", "text", "`FIELD` of a JSON object that holds the prompt")
	c.Flags().BoolVar(&why.explain, "explain", false, "say which spans carry each verdict")
	c.Flags().StringVar(&why.near, "near", "", "`FILE` of training rows to find the nearest of; implies --explain")
	c.Flags().StringVar(&why.alarms, "alarms", "", "`FILE` of known false alarms (of a mine step) to find the cluster of; implies --explain")
	c.Flags().StringVar(&profile, "profile", "", "use the threshold of this `NAME`, which rein calibrate chose")
	c.MarkFlagsMutuallyExclusive("null", "jsonl")
	return c
}

// How many prompts are scored at a time: more if that is fast, because in a longer list more rows have similar lengths.
const (
	firstBatch, lastBatch = 256, 8192
	soon                  = 500 * time.Millisecond
)

func (a *app) score(ctx context.Context, path, profile string, why explaining, known score.Known, in *prompts) (err error) {
	s, err := score.OpenProfile(ctx, path, profile)
	if err != nil {
		return configError(err)
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	out := bufio.NewWriterSize(a.out, 1<<16)
	defer func() { err = errors.Join(err, out.Flush()) }()
	var batch []prompt
	var cut cuts
	most := firstBatch
	for {
		p, rerr := in.next()
		if rerr == nil {
			batch = append(batch, p)
		}
		// Answer as soon as no more input is waiting, so that a person who types sees it.
		if len(batch) > 0 && (rerr != nil || len(batch) == most || !in.waiting()) {
			begin := time.Now()
			if err := a.scoreBatch(ctx, out, s, batch, why.on(), known, &cut); err != nil {
				return err
			}
			if len(batch) == most && time.Since(begin) < soon {
				most = min(2*most, lastBatch)
			}
			batch = batch[:0]
		}
		if errors.Is(rerr, io.EOF) {
			if cut.prompts > 0 {
				fmt.Fprintf(a.err, "warning: %s longer than the model reads: %s %s of them were not scored; divide such prompts and score the parts\n", human.Many(cut.prompts, "prompt"), human.Count(cut.units), s.CutUnit())
			}
			fmt.Fprint(a.err, in.doubt("--jsonl reads lines as objects"))
			if in.field == "" && !a.json && !a.quiet {
				fmt.Fprintf(a.err, "threshold %.6f\n", s.Threshold())
			}
			return nil
		} else if rerr != nil {
			return rerr
		}
	}
}

// cuts counts what was too long.
type cuts struct {
	prompts int
	units   int64
}

func (a *app) scoreBatch(ctx context.Context, out *bufio.Writer, s *score.Scorer, batch []prompt, explain bool, known score.Known, cut *cuts) error {
	texts := make([]string, len(batch))
	for i, p := range batch {
		texts[i] = p.text
	}
	answers, err := s.Score(ctx, texts)
	if err != nil {
		return err
	}
	for i, ans := range answers {
		if ans.Cut > 0 {
			cut.prompts, cut.units = cut.prompts+1, cut.units+int64(ans.Cut)
		}
		if explain {
			if ans.Explanation, err = s.Explain(ctx, texts[i], known); err != nil {
				return err
			}
		}
		switch {
		case batch[i].fields != nil:
			err = writeJSONLine(out, withAnswer(batch[i].fields, ans))
		case a.json:
			err = writeJSONLine(out, struct {
				score.Answer
				Text string `json:"text"`
			}{ans, texts[i]})
		default:
			word := "benign"
			if ans.Malicious {
				word = "malicious (" + ans.Family + ")"
			}
			_, err = fmt.Fprintf(out, "%.4f\t%s\t%s\n%s", ans.Score, word, human.Safe(texts[i]), explained(ans))
		}
		if err != nil {
			return err
		}
	}
	return out.Flush()
}

// withAnswer adds the model's answer to an object. It replaces fields of the same names.
func withAnswer(fields map[string]json.RawMessage, ans score.Answer) map[string]any {
	out := map[string]any{}
	for k, v := range fields {
		out[k] = v
	}
	out["score"], out["malicious"], out["family"], out["classes"] = ans.Score, ans.Malicious, ans.Family, ans.Classes
	out["threshold"], out["cut"] = ans.Threshold, ans.Cut
	if ans.Explanation != nil {
		out["explanation"] = ans.Explanation
	}
	return out
}
