package ui

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// stream sends events to a browser (server-sent events of the HTML standard). Events in quick succession are sent together.
type stream struct {
	mu      sync.Mutex
	w       http.ResponseWriter
	pending bool
	sent    time.Time
	err     error // nobody listens any more

	stop chan struct{}
	done sync.WaitGroup
}

const (
	flushEvery = 50 * time.Millisecond
	// beatEvery is how long a stream may be silent. Then a comment is sent to find out whether anybody still listens.
	beatEvery = 15 * time.Second
)

// newStream begins a stream. It has to be closed before its handler returns.
func newStream(w http.ResponseWriter) *stream {
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	s := &stream{w: w, stop: make(chan struct{})}
	_ = s.write([]byte("retry: 1000\n\n"))
	s.flush()
	s.done.Go(func() {
		tick := time.NewTicker(flushEvery)
		defer tick.Stop()
		for {
			select {
			case <-s.stop:
				return
			case <-tick.C:
				s.flush()
			}
		}
	})
	return s
}

// send sends one event. Its data is one line of JSON. The browser names the id when it connects again.
func (s *stream) send(event, id string, data []byte) error {
	var b bytes.Buffer
	if event != "" {
		fmt.Fprintf(&b, "event: %s\n", event)
	}
	if id != "" {
		fmt.Fprintf(&b, "id: %s\n", id)
	}
	fmt.Fprintf(&b, "data: %s\n\n", bytes.ReplaceAll(data, []byte("\r"), nil))
	return s.write(b.Bytes())
}

func (s *stream) write(b []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		_, s.err = s.w.Write(b)
		s.pending, s.sent = true, time.Now()
	}
	return s.err
}

func (s *stream) flush() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil && time.Since(s.sent) > beatEvery {
		_, s.err = s.w.Write([]byte(":\n\n"))
		s.pending, s.sent = true, time.Now()
	}
	if s.err == nil && s.pending {
		s.err = http.NewResponseController(s.w).Flush()
		s.pending = false
	}
}

func (s *stream) close() {
	close(s.stop)
	s.done.Wait()
	s.flush()
}

// jsonText is a text as JSON.
func jsonText(s string) ([]byte, error) { return json.Marshal(s) }
