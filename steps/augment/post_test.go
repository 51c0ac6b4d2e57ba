package augment

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// fakeClock is a clock in which sleeping takes no time.
type fakeClock struct {
	mu    sync.Mutex
	now   time.Time
	slept []time.Duration
}

func (c *fakeClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *fakeClock) Sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if d > 0 {
		c.now = c.now.Add(d)
		c.slept = append(c.slept, d)
	}
	return ctx.Err()
}

// If a server asks to wait, all calls must wait that long, but not for ever.
func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		header [2]string
		want   time.Duration
	}{
		"seconds":      {[2]string{"Retry-After", "7"}, 7 * time.Second},
		"a date":       {[2]string{"Retry-After", now.Add(30 * time.Second).Format(http.TimeFormat)}, 30 * time.Second},
		"milliseconds": {[2]string{"Retry-After-Ms", "1500"}, 1500 * time.Millisecond},
	} {
		clock := &fakeClock{now: now}
		p := &poster{clock: clock, timeout: 5 * time.Second}
		url, calls := serve(t, func(n int64, _ asked, h http.Header) (int, string) {
			if n <= 3 && (n == 1 || name != "a date") {
				h.Set(c.header[0], c.header[1])
				return 429, "slow down"
			}
			return 200, "{}"
		})
		_, err := p.post(t.Context(), url, nil, map[string]string{})
		want, n := []time.Duration{c.want, c.want, c.want}, int64(4)
		if name == "a date" {
			want, n = want[:1], 2
		}
		if diff := cmp.Diff(want, clock.slept); err != nil || diff != "" || calls.Load() != n {
			t.Errorf("%s: %v, %d calls %s", name, err, calls.Load(), diff)
		}
	}
	clock := &fakeClock{now: now}
	p := &poster{clock: clock, retries: 2, timeout: 5 * time.Second}
	url, calls := serve(t, func(_ int64, _ asked, h http.Header) (int, string) {
		h.Set("Retry-After", "120")
		return 503, `{"message":"maintenance"}`
	})
	_, err := p.post(t.Context(), url, nil, map[string]string{})
	if err == nil || !strings.Contains(err.Error(), "maintenance") || !strings.Contains(err.Error(), "asks to wait for 2m") || calls.Load() != 6 {
		t.Errorf("%v after %d calls", err, calls.Load())
	}
	// Another call must wait, too, although the server didn't ask that call.
	clock = &fakeClock{now: now}
	p = &poster{clock: clock, timeout: 5 * time.Second}
	p.hold(time.Minute)
	url, _ = serve(t, func(int64, asked, http.Header) (int, string) { return 200, "{}" })
	if _, err := p.post(t.Context(), url, nil, map[string]string{}); err != nil || clock.Now().Sub(now) != time.Minute {
		t.Errorf("%v, waited %s", err, clock.Now().Sub(now))
	}
}

// Pauses must grow if the server doesn't say how long to wait.
func TestPausesGrow(t *testing.T) {
	clock := &fakeClock{}
	p := &poster{clock: clock, retries: 5, timeout: 5 * time.Second}
	url, calls := serve(t, func(int64, asked, http.Header) (int, string) { return 502, "" })
	_, err := p.post(t.Context(), url, nil, map[string]string{})
	var s *serverError
	if !errors.As(err, &s) || s.status != 502 || calls.Load() != 6 || len(clock.slept) != 5 {
		t.Fatalf("%v, %d calls, %v", err, calls.Load(), clock.slept)
	}
	for i, d := range clock.slept {
		if low := 250 * time.Millisecond << i; d < low || d > 3*low {
			t.Errorf("pause %d: %s", i+1, d)
		}
	}
}
