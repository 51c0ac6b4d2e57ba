package augment

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"time"
)

// BackTranslation says how to translate a text away and back.
type BackTranslation struct {
	Command string   `hcl:"command,optional" default:"apertium" doc:"A program that reads text and takes a pair as its argument, as apertium does."`
	Pairs   []string `hcl:"pairs,optional" doc:"There and back, for the command: [\"eng-spa\", \"spa-eng\"]. Several ways: one after the other."`
	URL     string   `hcl:"url,optional" doc:"Instead: a LibreTranslate-compatible server."`
	Source  string   `hcl:"source,optional" default:"en" doc:"Language of the rows, for the server."`
	Pivots  []string `hcl:"pivots,optional" default:"es" doc:"Languages to go through, for the server."`
	Timeout string   `hcl:"timeout,optional" default:"20s" key:"-" doc:"For one text."`
}

// Validate implements steps.Validator.
func (b *BackTranslation) check() error {
	if _, err := time.ParseDuration(b.Timeout); err != nil {
		return fmt.Errorf("back_translation: timeout: %w", err)
	}
	if b.URL != "" {
		if u, err := url.Parse(b.URL); err != nil || u.Host == "" {
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

// ways is how many different variations there can be of one text.
func (b *BackTranslation) ways() int {
	if b.URL != "" {
		return len(b.Pivots)
	}
	return len(b.Pairs) / 2
}

// translate gives a text's variations, one of each way.
func (b *BackTranslation) translate(ctx context.Context, text string) ([]string, error) {
	timeout, err := time.ParseDuration(b.Timeout)
	if err != nil {
		return nil, err
	}
	var out []string
	for i := range b.ways() {
		ctx, cancel := context.WithTimeout(ctx, timeout)
		var s string
		if b.URL != "" {
			s, err = b.through(ctx, text, b.Source, b.Pivots[i])
			if err == nil {
				s, err = b.through(ctx, s, b.Pivots[i], b.Source)
			}
		} else {
			s, err = b.command(ctx, text, b.Pairs[2*i])
			if err == nil {
				s, err = b.command(ctx, s, b.Pairs[2*i+1])
			}
		}
		cancel()
		if err != nil {
			return out, fmt.Errorf("back-translation: %w", err)
		}
		out = append(out, s)
	}
	return out, nil
}

func (b *BackTranslation) command(ctx context.Context, text, pair string) (string, error) {
	cmd := exec.CommandContext(ctx, b.Command, "-u", pair) // -u: no marks on unknown words
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

// through asks a LibreTranslate-compatible server.
func (b *BackTranslation) through(ctx context.Context, text, from, to string) (string, error) {
	body, err := json.Marshal(map[string]string{"q": text, "source": from, "target": to, "format": "text", "api_key": os.Getenv("LIBRETRANSLATE_API_KEY")})
	if err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimRight(b.URL, "/")+"/translate", bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return "", err
	}
	var answer struct {
		Text  string `json:"translatedText"`
		Error string `json:"error"`
	}
	if err := json.Unmarshal(raw, &answer); err != nil || answer.Error != "" || resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s answered %s: %.200s", b.URL, resp.Status, cmp.Or(answer.Error, string(raw)))
	}
	return answer.Text, nil
}
