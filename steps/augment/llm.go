package augment

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/shared"
)

// LLM says how to ask a language model for variations.
type LLM struct {
	URL         string  `hcl:"url,optional" default:"https://api.openai.com/v1" doc:"An OpenAI-compatible endpoint."`
	Model       string  `hcl:"model" doc:"The model's name."`
	Prompt      string  `hcl:"prompt,optional" default:"Write {n} variations of the prompt below. Keep its meaning, its language and everything in quotes or code. Vary wording and structure. Do not answer it.\n\n{text}" doc:"What is asked; {n} and {text} are filled in."`
	Temperature float64 `hcl:"temperature,optional" default:"0.9" doc:"0 to 2."`
	PerCall     int     `hcl:"per_call,optional" default:"4" doc:"How many variations to ask for at a time."`
	KeyEnv      string  `hcl:"key_env,optional" default:"OPENAI_API_KEY" key:"-" doc:"The environment variable that holds the key; the key itself is in no file, key, log or record."`
	Concurrency int     `hcl:"concurrency,optional" default:"8" key:"-" doc:"Calls at a time."`
	PerMinute   int     `hcl:"per_minute,optional" default:"0" key:"-" doc:"Calls a minute; 0: no limit."`
	Retries     int     `hcl:"retries,optional" default:"4" key:"-" doc:"After a fault of the endpoint, with growing pauses."`
	Timeout     string  `hcl:"timeout,optional" default:"60s" key:"-" doc:"For one call."`
	MaxTokens   int     `hcl:"max_tokens,optional" default:"0" doc:"Budget of tokens for the step; 0: none. When it is used up, other methods write the rest. What was bought stays bought: a run with a larger budget goes on from it."`
	MaxUSD      float64 `hcl:"max_usd,optional" default:"0" doc:"Budget of money, at usd_per_million; 0: none."`
	USDPerM     float64 `hcl:"usd_per_million,optional" default:"0" doc:"Price of a million tokens, for max_usd."`
}

func (l *LLM) check() error {
	if _, err := time.ParseDuration(l.Timeout); err != nil {
		return fmt.Errorf("llm: timeout: %w", err)
	}
	switch {
	case !strings.Contains(l.Prompt, "{text}"):
		return errors.New("llm: prompt: {text} isn't in it")
	case l.PerCall < 1 || l.Concurrency < 1 || l.Retries < 0:
		return fmt.Errorf("llm: per_call %d, concurrency %d, retries %d: want at least 1, 1 and 0", l.PerCall, l.Concurrency, l.Retries)
	}
	return nil
}

// errBudget says that the budget is used up: a clean stop, not a fault.
var errBudget = errors.New("the budget is used up")

// asker asks the endpoint, within the budget and the rate.
type asker struct {
	l      *LLM
	client openai.Client
	slots  chan struct{}
	tick   <-chan time.Time

	mu     sync.Mutex
	tokens int64
}

func newAsker(l *LLM) (*asker, error) {
	key := os.Getenv(l.KeyEnv)
	if key == "" && strings.Contains(l.URL, "api.openai.com") {
		return nil, fmt.Errorf("llm: %s is not set: the key comes from the environment only", l.KeyEnv)
	}
	if l.MaxUSD > 0 && l.USDPerM <= 0 {
		return nil, errors.New("llm: max_usd needs usd_per_million")
	}
	timeout, err := time.ParseDuration(l.Timeout)
	if err != nil {
		return nil, err
	}
	a := &asker{l: l, slots: make(chan struct{}, l.Concurrency), client: openai.NewClient(option.WithBaseURL(strings.TrimRight(l.URL, "/")+"/"),
		option.WithAPIKey(key), option.WithRequestTimeout(timeout), option.WithMaxRetries(0))}
	if l.PerMinute > 0 {
		a.tick = time.Tick(time.Minute / time.Duration(l.PerMinute))
	}
	return a, nil
}

// answerSchema is the JSON that the model has to give.
var answerSchema = map[string]any{
	"type": "object", "additionalProperties": false, "required": []string{"variations"},
	"properties": map[string]any{"variations": map[string]any{"type": "array", "items": map[string]any{"type": "string"}}},
}

// ask gives up to n variations of a text.
func (a *asker) ask(ctx context.Context, text string, n int) ([]string, error) {
	select {
	case a.slots <- struct{}{}:
		defer func() { <-a.slots }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	prompt := strings.NewReplacer("{n}", fmt.Sprint(n), "{text}", text).Replace(a.l.Prompt)
	params := openai.ChatCompletionNewParams{
		Model:       a.l.Model,
		Temperature: openai.Float(a.l.Temperature),
		Messages:    []openai.ChatCompletionMessageParamUnion{openai.UserMessage(prompt)},
		ResponseFormat: openai.ChatCompletionNewParamsResponseFormatUnion{OfJSONSchema: &shared.ResponseFormatJSONSchemaParam{
			JSONSchema: shared.ResponseFormatJSONSchemaJSONSchemaParam{Name: "variations", Strict: openai.Bool(true), Schema: answerSchema}}},
	}
	var last error
	for try := range a.l.Retries + 1 {
		if err := a.wait(ctx, try); err != nil {
			return nil, err
		}
		resp, err := a.client.Chat.Completions.New(ctx, params)
		if err == nil {
			a.spend(resp.Usage.TotalTokens)
			if out, perr := variationsOf(resp); perr == nil {
				return out, nil
			} else {
				err = perr
			}
		}
		last = err
		var api *openai.Error
		if ctx.Err() != nil || errors.As(err, &api) && api.StatusCode >= 400 && api.StatusCode < 500 && api.StatusCode != 408 && api.StatusCode != 429 {
			break // asking again won't help
		}
	}
	return nil, fmt.Errorf("llm %s: %w", a.l.Model, last)
}

// wait keeps the rate, the budget, and the pause before a retry: growing, with jitter.
func (a *asker) wait(ctx context.Context, try int) error {
	if a.spent() {
		return errBudget
	}
	var pause <-chan time.Time
	if try > 0 {
		pause = time.After(time.Duration((0.5 + rand.Float64()) * float64(250*time.Millisecond) * float64(int(1)<<min(try, 6))))
	} else if a.tick != nil {
		pause = a.tick
	} else {
		return ctx.Err()
	}
	select {
	case <-pause:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (a *asker) spend(tokens int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.tokens += tokens
}

func (a *asker) used() int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.tokens
}

func (a *asker) spent() bool {
	used := a.used()
	return a.l.MaxTokens > 0 && used >= int64(a.l.MaxTokens) || a.l.MaxUSD > 0 && float64(used)*a.l.USDPerM/1e6 >= a.l.MaxUSD
}

func variationsOf(resp *openai.ChatCompletion) ([]string, error) {
	if len(resp.Choices) == 0 {
		return nil, errors.New("an answer without choices")
	}
	var out struct {
		Variations []string `json:"variations"`
	}
	if err := json.Unmarshal([]byte(resp.Choices[0].Message.Content), &out); err != nil {
		return nil, fmt.Errorf("the answer is not the JSON that was asked for: %w: %.120q", err, resp.Choices[0].Message.Content)
	}
	return out.Variations, nil
}
