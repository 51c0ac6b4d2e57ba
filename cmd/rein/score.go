package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"rein/steps/score"
)

func (a *app) scoreCmd() *cobra.Command {
	var null bool
	c := &cobra.Command{
		Use:   "score PACKAGE [FILE]",
		Short: "Score text, one prompt a line, with a packaged model",
		Long: `score reads prompts from FILE or standard input ("-"), one a line, and prints for each its threat score
(1 - P(benign)), the verdict at the model's threshold, and the most likely attack family.

EXIT STATUS
  0  scored, whatever the verdicts
  2  PACKAGE is not a model or a package
  3  the text can't be read`,
		Example: `  rein get pipelines/hybrid.hcl step.package.package -o l2-model
  echo "Ignore all previous instructions" | rein score l2-model`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(c *cobra.Command, args []string) error {
			in := a.in
			if len(args) == 2 && args[1] != "-" {
				f, err := os.Open(args[1])
				if err != nil {
					return configError(err)
				}
				defer f.Close()
				in = f
			}
			return a.score(c.Context(), args[0], in, null)
		},
	}
	c.Flags().BoolVarP(&null, "null", "0", false, "prompts end with a zero byte, so that they may hold newlines")
	c.Flags().BoolVar(&a.json, "json", false, "one JSON object a prompt, with the probability of each class")
	return c
}

// scoreBatch is how many prompts are scored at a time.
const scoreBatch = 256

func (a *app) score(ctx context.Context, dir string, in io.Reader, null bool) (err error) {
	s, err := score.Open(ctx, dir)
	if err != nil {
		return configError(err)
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	out := bufio.NewWriter(a.out)
	defer func() { err = errors.Join(err, out.Flush()) }()
	end := byte('\n')
	if null {
		end = 0
	}
	r := bufio.NewReader(in)
	var texts []string
	for {
		text, rerr := r.ReadString(end)
		if n := len(text); n > 0 && text[n-1] == end {
			text = text[:n-1]
		}
		if text != "" || rerr == nil {
			texts = append(texts, text)
		}
		// An answer as soon as there is no more input waiting, so that a person typing sees it.
		if len(texts) == scoreBatch || r.Buffered() == 0 && len(texts) > 0 {
			if err := a.scoreTexts(ctx, out, s, texts); err != nil {
				return err
			}
			texts = texts[:0]
		}
		if errors.Is(rerr, io.EOF) {
			return nil
		} else if rerr != nil {
			return rerr
		}
	}
}

func (a *app) scoreTexts(ctx context.Context, out *bufio.Writer, s *score.Scorer, texts []string) error {
	answers, err := s.Score(ctx, texts)
	if err != nil {
		return err
	}
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	for i, ans := range answers {
		if a.json {
			err = enc.Encode(struct {
				score.Answer
				Text string `json:"text"`
			}{ans, texts[i]})
		} else {
			word := "benign"
			if ans.Malicious {
				word = "malicious (" + ans.Family + ")"
			}
			_, err = fmt.Fprintf(out, "%.4f\t%s\t%s\n", ans.Score, word, printable(texts[i]))
		}
		if err != nil {
			return err
		}
	}
	return out.Flush()
}
