package engine

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// hidden stands where a sensitive value was.
const hidden = "(sensitive)"

// mask takes sensitive values out of texts: what steps print, note and fail with is shown and recorded. The zero value masks
// nothing.
type mask struct{ replacer *strings.Replacer }

// shortestSecret is the length from which a text is masked.
const shortestSecret = 3

// newMask makes a mask of sensitive texts. Of a text of several lines each line is masked, because programs print line by line;
// and each is masked in the forms in which programs quote it.
func newMask(secrets []string) mask {
	forms := map[string]bool{}
	for _, s := range secrets {
		for _, line := range append(strings.Split(s, "\n"), s) {
			if line = strings.TrimSpace(line); len(line) < shortestSecret {
				continue
			}
			js, _ := json.Marshal(line) // a text is JSON
			quoted := quote(line)
			for _, form := range []string{line, quoted[1 : len(quoted)-1], string(js[1 : len(js)-1]), url.QueryEscape(line), url.PathEscape(line),
				base64.StdEncoding.EncodeToString([]byte(line))} {
				forms[form] = true
			}
		}
	}
	if len(forms) == 0 {
		return mask{}
	}
	longest := slices.Sorted(maps.Keys(forms)) // first: one secret may be a part of another
	slices.SortStableFunc(longest, func(a, b string) int { return len(b) - len(a) })
	pairs := make([]string, 0, 2*len(longest))
	for _, form := range longest {
		pairs = append(pairs, form, hidden)
	}
	return mask{strings.NewReplacer(pairs...)}
}

func (m mask) text(s string) string {
	if m.replacer == nil {
		return s
	}
	return m.replacer.Replace(s)
}

func (m mask) event(e Event) Event {
	e.Text, e.Unit, e.Metric = m.text(e.Text), m.text(e.Unit), m.text(e.Metric)
	return e
}

// error is err without the secrets in its text.
func (m mask) error(err error) error {
	var v *Verdict
	switch {
	case err == nil || m.text(err.Error()) == err.Error():
		return err
	case errors.As(err, &v):
		return &Verdict{m.text(v.Text)}
	}
	return &maskedError{m.text(err.Error()), err}
}

type maskedError struct {
	text string
	err  error
}

func (e *maskedError) Error() string { return e.text }

// Unwrap gives the error, for its kind.
func (e *maskedError) Unwrap() error { return e.err }

// secrets are the sensitive texts that a unit's steps may come to know.
func (u *unit) secrets() []string {
	var all []string
	for _, n := range u.nodes {
		all = append(all, n.pipeline.Secrets...)
	}
	return all
}
