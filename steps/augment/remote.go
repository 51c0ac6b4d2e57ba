package augment

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// BackTranslation configures how texts are translated into another language and back.
type BackTranslation struct {
	Command string   `hcl:"command,optional" default:"apertium" doc:"A program that reads text and takes a language pair as its argument, as apertium does."`
	Pairs   []string `hcl:"pairs,optional" doc:"Language pairs for the command, there and back: [\"eng-spa\", \"spa-eng\"]. For several ways, list one after the other."`
	URL     string   `hcl:"url,optional" doc:"URL of a LibreTranslate-compatible server, in place of the command."`
	Source  string   `hcl:"source,optional" default:"en" doc:"Language of the rows, for a server."`
	Pivots  []string `hcl:"pivots,optional" default:"es" doc:"Languages to translate into and back, for a server."`
	Timeout string   `hcl:"timeout,optional" default:"20s" key:"-" doc:"Time limit for one text."`
}

// check refuses an invalid timeout or address.
func (b *BackTranslation) check() error {
	if d, err := time.ParseDuration(b.Timeout); err != nil || d <= 0 {
		return fmt.Errorf("back_translation: timeout %q: want a time over 0, as in \"20s\"", b.Timeout)
	}
	if b.URL != "" {
		if !isAddress(b.URL) {
			return fmt.Errorf("back_translation: url %q is not an address", b.URL)
		}
		if len(b.Pivots) == 0 {
			return errors.New("back_translation: pivots: name a language to go through")
		}
		return nil
	}
	if len(b.Pairs) == 0 || len(b.Pairs)%2 != 0 {
		return fmt.Errorf("back_translation: pairs %q: want there and back, [\"eng-spa\", \"spa-eng\"], or a url", b.Pairs)
	}
	return nil
}

// ways returns how many different variations of a text are possible.
func (b *BackTranslation) ways() int {
	if b.URL != "" {
		return len(b.Pivots)
	}
	return len(b.Pairs) / 2
}

// translator returns a function that returns the variations of a text, one for each way.
func (b *BackTranslation) translator(c clock) (func(ctx context.Context, text string, n int) ([]string, error), error) {
	timeout, err := time.ParseDuration(b.Timeout)
	if err != nil {
		return nil, err
	}
	key := strings.TrimSpace(os.Getenv("LIBRETRANSLATE_API_KEY"))
	server := &poster{clock: c, retries: 4, timeout: timeout, secret: key}
	step := func(ctx context.Context, text string, i int, back bool) (string, error) {
		if b.URL != "" {
			from, to := b.Source, b.Pivots[i]
			if back {
				from, to = to, from
			}
			return b.through(ctx, server, key, text, from, to)
		}
		ctx, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		pair := b.Pairs[2*i]
		if back {
			pair = b.Pairs[2*i+1]
		}
		return b.command(ctx, text, pair)
	}
	return func(ctx context.Context, text string, _ int) ([]string, error) {
		var out []string
		for i := range b.ways() {
			s, err := step(ctx, text, i, false)
			if err == nil {
				s, err = step(ctx, s, i, true)
			}
			if err != nil {
				return out, fmt.Errorf("back-translation: %w", faultOf(err))
			}
			out = append(out, s)
		}
		return out, nil
	}, nil
}

func (b *BackTranslation) command(ctx context.Context, text, pair string) (string, error) {
	cmd := exec.CommandContext(ctx, b.Command, "-u", pair) // -u leaves out the marks on unknown words
	cmd.Stdin = strings.NewReader(text)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if errors.Is(err, exec.ErrNotFound) {
		return "", fmt.Errorf("%w; on Debian: apt-get install apertium apertium-eng-spa", err)
	} else if err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", b.Command, pair, err, strings.TrimSpace(errs.String()))
	}
	return strings.TrimSpace(string(out)), nil
}

// through translates a text with a LibreTranslate-compatible server.
func (b *BackTranslation) through(ctx context.Context, server *poster, key, text, from, to string) (string, error) {
	question := map[string]string{"q": text, "source": from, "target": to, "format": "text", "api_key": key}
	raw, err := server.post(ctx, strings.TrimRight(b.URL, "/")+"/translate", nil, question)
	if err != nil {
		return "", fmt.Errorf("%s: %w", b.URL, err)
	}
	var answer struct {
		Text string `json:"translatedText"`
	}
	if err := json.Unmarshal(raw, &answer); err != nil || answer.Text == "" {
		return "", &rowFault{fmt.Errorf("%s answered without a translation: %.200s", b.URL, cmp.Or(server.saidBy(raw).message, server.masked(string(raw))))}
	}
	return answer.Text, nil
}
