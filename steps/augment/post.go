package augment

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// clock is the source of time for a poster's pauses. Tests replace it.
type clock interface {
	Now() time.Time
	Sleep(ctx context.Context, d time.Duration) error
}

type realClock struct{}

func (realClock) Now() time.Time { return time.Now() }

func (realClock) Sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// poster posts JSON to one server and repeats a call after a temporary fault. If the server asks to wait, all callers of the poster wait.
type poster struct {
	clock   clock
	retries int
	timeout time.Duration // time limit of one call
	secret  string        // masked in what the server says

	mu        sync.Mutex
	notBefore time.Time
}

const (
	longestWait = 10 * time.Minute // longest total time that a server may ask to wait
	leastWait   = 5 * time.Second  // shortest time that one request to wait counts as, so that waiting ends even if the server asks for less each time
	mostAnswer  = 16 << 20         // largest number of bytes of an answer
)

// serverError is an answer with a status other than 200.
type serverError struct {
	status        int
	code, message string
	wait          time.Duration // from the header Retry-After; 0: none
}

func (e *serverError) Error() string {
	return strings.TrimSpace(fmt.Sprintf("%d %s: %s", e.status, http.StatusText(e.status), e.message))
}

// passes tells whether the fault is temporary, so that the same question may be answered later.
func (e *serverError) passes() bool {
	switch e.status {
	case http.StatusTooManyRequests:
		return e.code != "insufficient_quota"
	case http.StatusRequestTimeout, http.StatusConflict, http.StatusTooEarly:
		return true
	}
	return e.status >= 500 && e.status != http.StatusNotImplemented
}

// post sends a question and returns the JSON of the answer. It repeats the call after temporary faults, as often as retries allows.
func (p *poster) post(ctx context.Context, url string, header http.Header, question any) ([]byte, error) {
	body, err := json.Marshal(question)
	if err != nil {
		return nil, err
	}
	var waited time.Duration
	for try := 0; ; {
		if err := p.wait(ctx); err != nil {
			return nil, err
		}
		answer, err := p.once(ctx, url, header, body)
		if err == nil {
			return answer, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		var s *serverError
		if errors.As(err, &s) && !s.passes() || isLasting(err) {
			return nil, err
		}
		pause := time.Duration((0.5 + rand.Float64()) * float64(500*time.Millisecond) * float64(int(1)<<min(try, 6)))
		if s != nil && s.wait > 0 {
			if waited += max(s.wait, leastWait); waited > longestWait {
				return nil, fmt.Errorf("%w (it asks to wait for %s)", err, s.wait)
			}
			p.hold(s.wait)
			continue
		}
		if try++; try > p.retries {
			return nil, err
		}
		if err := p.clock.Sleep(ctx, pause); err != nil {
			return nil, err
		}
	}
}

// hold makes all callers wait for the time d.
func (p *poster) hold(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t := p.clock.Now().Add(d); t.After(p.notBefore) {
		p.notBefore = t
	}
}

func (p *poster) wait(ctx context.Context) error {
	for {
		p.mu.Lock()
		d := p.notBefore.Sub(p.clock.Now())
		p.mu.Unlock()
		if d <= 0 {
			return ctx.Err()
		}
		if err := p.clock.Sleep(ctx, d); err != nil {
			return err
		}
	}
}

// brokenAnswer is the error for an answer that can't be read.
type brokenAnswer struct {
	text string
	cut  bool // the connection ended before the answer did
}

func (e *brokenAnswer) Error() string { return e.text }

// isLasting tells whether asking again can't change the error.
func isLasting(err error) bool {
	var broken *brokenAnswer
	var cert *tls.CertificateVerificationError
	return errors.As(err, &broken) && !broken.cut || errors.As(err, &cert) || strings.Contains(err.Error(), "unsupported protocol scheme") ||
		strings.Contains(err.Error(), "invalid header field")
}

// isAddress tells whether a text is the address of an HTTP server.
func isAddress(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https")
}

// client doesn't follow redirects to other servers. The key and the texts are meant only for the server that the user named.
var client = &http.Client{CheckRedirect: func(req *http.Request, via []*http.Request) error {
	from := via[0].URL
	if req.URL.Scheme != from.Scheme || req.URL.Host != from.Host || req.Method != http.MethodPost || len(via) > 5 {
		return http.ErrUseLastResponse
	}
	return nil
}}

func (p *poster) once(ctx context.Context, url string, header http.Header, body []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if header != nil {
		req.Header = header.Clone()
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, mostAnswer+1))
	if err != nil {
		return nil, &brokenAnswer{"the answer was cut off: " + err.Error(), true}
	}
	if len(raw) > mostAnswer {
		return nil, &brokenAnswer{fmt.Sprintf("the answer is longer than %d MiB", mostAnswer>>20), false}
	}
	raw = bytes.TrimPrefix(raw, []byte("\uFEFF"))
	if resp.StatusCode == http.StatusOK {
		return p.read(raw)
	}
	e := p.saidBy(raw)
	e.status, e.wait = resp.StatusCode, retryAfter(resp.Header, p.clock.Now())
	if to := resp.Header.Get("Location"); e.status >= 300 && e.status < 400 {
		e.message = p.masked(fmt.Sprintf("it redirects to %s, where neither the key nor a text was sent: write that address if it is right", to))
	}
	return nil, e
}

// read returns the JSON of an answer. If the answer is nothing but an error object, read returns the error with the status in its code.
func (p *poster) read(raw []byte) ([]byte, error) {
	raw = streamed(raw)
	var v struct {
		Error   json.RawMessage
		Choices any
	}
	var syntax *json.SyntaxError
	switch err := json.Unmarshal(raw, &v); {
	case errors.As(err, &syntax) && syntax.Offset >= int64(len(raw)) && !bytes.HasPrefix(bytes.TrimSpace(raw), []byte("<")):
		return nil, &brokenAnswer{fmt.Sprintf("the answer was cut off: it ends with %q", p.masked(string(raw[max(0, len(raw)-60):]))), true}
	case errors.As(err, &syntax):
		return nil, &brokenAnswer{fmt.Sprintf("the endpoint's answer is not JSON: %.200q: is the url right?", p.masked(string(raw))), false}
	}
	if len(v.Error) > 4 && v.Choices == nil { // longer than "null"
		e := p.saidBy(raw)
		e.status = http.StatusOK
		if code, err := strconv.Atoi(e.code); err == nil && code >= 400 && code < 600 {
			e.status = code
		}
		return nil, e
	}
	return raw, nil
}

// saidBy returns a server's error message, with the key masked.
func (p *poster) saidBy(raw []byte) *serverError {
	return saidBy([]byte(p.masked(string(raw))))
}

// masked removes the key from what a server says, because some servers repeat it.
func (p *poster) masked(s string) string {
	if p.secret == "" {
		return s
	}
	return strings.ReplaceAll(s, p.secret, "***")
}

// saidBy returns the error that a server describes in its answer. It knows the forms that common servers use.
func saidBy(raw []byte) *serverError {
	var m struct {
		Error   json.RawMessage `json:"error"`
		Message string          `json:"message"`
		Detail  json.RawMessage `json:"detail"`
	}
	e := &serverError{}
	if json.Unmarshal(raw, &m) == nil {
		var inner struct {
			Message string `json:"message"`
			Code    any    `json:"code"`
			Type    string `json:"type"`
		}
		if json.Unmarshal(m.Error, &inner) == nil && inner.Message != "" {
			e.message, e.code = inner.Message, cmp.Or(fmt.Sprint(inner.Code), inner.Type)
			if inner.Code == nil {
				e.code = inner.Type
			}
			return e
		}
		for _, part := range []json.RawMessage{m.Error, m.Detail} {
			if json.Unmarshal(part, &e.message) == nil && e.message != "" {
				return e
			}
		}
		e.message = cmp.Or(m.Message, string(m.Detail))
	}
	if e.message == "" {
		e.message = strings.Join(strings.Fields(string(raw)), " ")
	}
	if r := []rune(e.message); len(r) > 500 {
		e.message = string(r[:500]) + "…"
	}
	return e
}

// retryAfter returns how long the server asks to wait. The header holds seconds or a date; some servers send milliseconds.
func retryAfter(h http.Header, now time.Time) time.Duration {
	if ms, err := strconv.ParseFloat(h.Get("Retry-After-Ms"), 64); err == nil && ms > 0 {
		return time.Duration(min(ms, 1e12) * float64(time.Millisecond))
	}
	v := h.Get("Retry-After")
	if s, err := strconv.ParseFloat(v, 64); err == nil && s > 0 {
		return time.Duration(min(s, 1e9) * float64(time.Second))
	}
	if at, err := http.ParseTime(v); err == nil && at.After(now) {
		return at.Sub(now)
	}
	return 0
}
