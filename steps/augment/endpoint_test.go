package augment

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"rein/steps/artifact"
	"rein/steps/stepstest"
)

const goodAnswer = `{"variations":["Please say how the thing in the house is done?"]}`

// hijack writes a whole HTTP answer as it is, and closes the connection.
func hijack(w http.ResponseWriter, text string) {
	conn, buf, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	buf.WriteString(text)
	buf.Flush()
	conn.Close()
}

// Whatever a server does with one row's text, the other rows must get their variations, and no answer may be bought twice.
func TestOnePoisonedRow(t *testing.T) {
	body := func(status int, text string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) { w.WriteHeader(status); fmt.Fprint(w, text) }
	}
	for name, answer := range map[string]func(http.ResponseWriter){
		"500":                      body(500, `{"error":{"message":"worker died"}}`),
		"502, a page":              body(502, "<html><h1>Bad Gateway</h1>"),
		"503":                      body(503, ""),
		"403 of a firewall":        body(403, "<html>Attention Required! | Cloudflare"),
		"403, flagged":             body(403, `{"error":{"message":"your input was flagged","code":403}}`),
		"451":                      body(451, "no"),
		"413":                      body(413, "no"),
		"204":                      body(204, ""),
		"reset":                    func(w http.ResponseWriter) { hijack(w, "") },
		"reset within the headers": func(w http.ResponseWriter) { hijack(w, "HTTP/1.1 200 OK\r\nContent-Ty") },
		"reset within the body":    func(w http.ResponseWriter) { hijack(w, "HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{\"choices\":[") },
		"chunks that end": func(w http.ResponseWriter) {
			hijack(w, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"cho\r\n")
		},
		"half of the JSON":         body(200, `{"choices":[{"message":{"content":"`),
		"nothing":                  body(200, ""),
		"a page":                   body(200, "<!DOCTYPE html><title>Login</title>"),
		"no choices":               body(200, `{"choices":[]}`),
		"choices null":             body(200, `{"choices":null,"usage":null}`),
		"choices an object":        body(200, `{"choices":{}}`),
		"content null":             body(200, `{"choices":[{"finish_reason":null,"message":{"content":null}}]}`),
		"no message":               body(200, `{"choices":[{"finish_reason":"stop"}]}`),
		"safety":                   body(200, `{"choices":[{"finish_reason":"SAFETY","message":{}}]}`),
		"refusal in a part":        body(200, `{"choices":[{"message":{"content":[{"type":"refusal","refusal":"no"}]}}]}`),
		"an error in a choice":     body(200, `{"choices":[{"finish_reason":"error","error":{"code":502,"message":"upstream"},"message":{"content":""}}]}`),
		"an error with status 200": body(200, `{"error":{"message":"upstream is down","code":502}}`),
		"refused in German":        body(200, says("Es tut mir leid, dabei kann ich nicht helfen.", "stop")),
		"refused in Chinese":       body(200, says("抱歉，我无法满足这个请求。", "stop")),
		"thoughts that never end":  body(200, says("<think>\nHm <think> [\"no\"]", "stop")),
		"a null":                   body(200, "null"),
		"a list":                   body(200, "[]"),
		"a number too large":       body(200, `{"choices":[],"usage":{"total_tokens":1e400}}`),
		"too long, in other words": body(400, `{"error":{"message":"the request exceeds the available context size"}}`),
		"filtered, in other words": body(400, `{"error":{"message":"内容违规"}}`),
		"429 each time":            func(w http.ResponseWriter) { w.Header().Set("Retry-After", "0"); body(429, "slow")(w) },
	} {
		t.Run(name, func(t *testing.T) {
			var calls atomic.Int64
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				calls.Add(1)
				text := new(strings.Builder)
				_, _ = fmt.Fprint(text, readAll(r))
				if strings.Contains(text.String(), "poison") {
					answer(w)
					return
				}
				fmt.Fprint(w, says(goodAnswer, "stop"))
			}))
			defer s.Close()
			var texts []string
			for i := range 12 {
				texts = append(texts, fmt.Sprintf("How do I open the old window %c in the kitchen?", 'a'+i))
			}
			texts[5] = "How do I see whether there is poison in the kitchen?"
			memo, c := &stepstest.Memo{}, llmConfig(s.URL)
			c.LLM.Concurrency, c.LLM.Retries, c.MaxGrowth = 2, 1, 3
			in := In{Rows: stored(t, rowsOf(artifact.Benign, "other", texts))}
			rows, env, err := runWith(t, memo, c, in)
			if err != nil || len(rows) != 4*len(texts) || len(byModel(rows)) == 0 || memo.Puts < len(texts)-1 {
				t.Fatalf("%d rows, %d kept, %v, %q", len(rows), memo.Puts, err, env.Notes)
			}
			before := calls.Load()
			if _, _, err := runWith(t, memo, c, in); err != nil || calls.Load()-before > 10 {
				t.Errorf("%d calls of a second run; %v", calls.Load()-before, err)
			}
		})
	}
}

func readAll(r *http.Request) string {
	var b strings.Builder
	buf := make([]byte, 4096)
	for {
		n, err := r.Body.Read(buf)
		b.Write(buf[:n])
		if err != nil {
			return b.String()
		}
	}
}

// A server that goes down midway ends the step. What was bought is kept, and a later run continues from it.
func TestAnOutageIsNoRowsFault(t *testing.T) {
	var down atomic.Bool
	url, calls := serve(t, func(n int64, _ asked, _ http.Header) (int, string) {
		if n > 5 && down.Load() {
			return 503, ""
		}
		return 200, says(goodAnswer, "stop")
	})
	down.Store(true)
	var texts []string
	for i := range 12 {
		texts = append(texts, fmt.Sprintf("How do I open the old window %c in the kitchen?", 'a'+i))
	}
	memo, c := &stepstest.Memo{}, llmConfig(url)
	c.LLM.Concurrency, c.LLM.Retries, c.MaxGrowth = 1, 1, 3
	c.Variations = 1
	in := In{Rows: stored(t, rowsOf(artifact.Benign, "other", texts))}
	if _, _, err := runWith(t, memo, c, in); err == nil || !strings.Contains(err.Error(), "503") || memo.Puts < 5 || calls.Load() > 5+2*(mostFaults+1) {
		t.Fatalf("%v, %d kept, %d calls", err, memo.Puts, calls.Load())
	}
	down.Store(false)
	before := calls.Load()
	if _, _, err := runWith(t, memo, c, in); err != nil || calls.Load()-before != 7 {
		t.Errorf("%v, %d calls", err, calls.Load()-before)
	}
}

// Neither the key nor a text may go to a server that the user didn't name, and no message may show the key.
func TestTheKeyStaysWhereItBelongs(t *testing.T) {
	t.Setenv("REIN_TEST_KEY", "sk-sesame-0123456789\r\n")
	var elsewhere atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		elsewhere.Add(1)
		fmt.Fprint(w, says(goodAnswer, "stop"))
	}))
	defer other.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		url, _ := serve(t, func(_ int64, _ asked, h http.Header) (int, string) {
			h.Set("Location", other.URL+"/v1/chat/completions")
			return status, ""
		})
		if _, _, err := ask(t, url, plainRows, nil); err == nil || !strings.Contains(err.Error(), "redirects to "+other.URL) || elsewhere.Load() > 0 {
			t.Errorf("%d: %v, %d calls elsewhere", status, err, elsewhere.Load())
		}
	}
	moved := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("Authorization") != "Bearer sk-sesame-0123456789":
			t.Errorf("authorization %q", r.Header.Get("Authorization"))
		case r.URL.Path == "/chat/completions":
			http.Redirect(w, r, "/new", http.StatusPermanentRedirect)
		default:
			fmt.Fprint(w, says(goodAnswer, "stop"))
		}
	}))
	defer moved.Close()
	if rows, _, err := ask(t, moved.URL, plainRows, nil); err != nil || len(byModel(rows)) == 0 {
		t.Errorf("within one server: %v", err)
	}
	long := strings.Repeat("x", 490) + " sk-sesame-0123456789"
	for _, body := range []string{long, `{"error":"` + long + `"}`, `{"detail":[{"input":"sk-sesame-0123456789"}]}`} {
		for _, status := range []int{200, 400, 401, 500} {
			url, _ := serve(t, func(int64, asked, http.Header) (int, string) { return status, body })
			if _, env, err := ask(t, url, plainRows, nil); err == nil || strings.Contains(err.Error()+strings.Join(env.Notes, ""), "sesame") {
				t.Errorf("%d %s: %v", status, body, err)
			}
		}
	}
	url, _ := serve(t, func(int64, asked, http.Header) (int, string) { return 200, says("I keep sk-sesame-0123456789", "stop") })
	if _, _, err := ask(t, url, plainRows, nil); err == nil || strings.Contains(err.Error(), "sesame") {
		t.Error(err)
	}
}

// An endpoint may report any token usage, including nonsense.
func TestUsageOfAllKinds(t *testing.T) {
	for usage, want := range map[string]int64{
		`{"total_tokens":12}`:                            12,
		`{"total_tokens":"12"}`:                          12,
		`{"total_tokens":12.0}`:                          12,
		`{"total_tokens":-12}`:                           0,
		`{"total_tokens":0}`:                             0,
		`{"total_tokens":null,"prompt_tokens":3}`:        3,
		`{"prompt_tokens":3,"completion_tokens":"4"}`:    7,
		`{"input_tokens":3,"output_tokens":4}`:           7,
		`{"total_tokens":1e300}`:                         mostTokens,
		`{"total_tokens":99999999999999999999}`:          mostTokens,
		`{"total_tokens":{"a":1}}`:                       0,
		`"none"`:                                         0,
		`[]`:                                             0,
		`null`:                                           0,
		`{"total_tokens":5,"completion_tokens":9}`:       9,
		`{"total_tokens":"NaN"}`:                         0,
		`{"total_tokens":"Inf","prompt_tokens":"-Inf"}`:  mostTokens,
		`{"total_tokens":true,"completion_tokens":[12]}`: 0,
	} {
		got := readAnswer([]byte(`{"usage":` + usage + `,"choices":[{"finish_reason":"stop","message":{"content":"[\"a\"]"}}]}`))
		if got.tokens != want || len(got.variations) != 1 {
			t.Errorf("%s: %d tokens, want %d; %q", usage, got.tokens, want, got.variations)
		}
	}
}

// Some servers stream although nobody asked them to, or put a byte order mark before the JSON.
func TestBodiesOfAllKinds(t *testing.T) {
	piece := func(s string) string { return fmt.Sprintf("data: {\"choices\":[{\"delta\":{\"content\":%q}}]}\n\n", s) }
	stream := piece(`{"variations":["Please say how the `) + ": ping\n\n" + piece(`thing in the house is done?"]}`)
	for name, body := range map[string]string{
		"a mark":                  "\uFEFF" + says(goodAnswer, "stop"),
		"a mark in the text":      says("\uFEFF"+goodAnswer, "stop"),
		"a stream":                stream + "data: [DONE]\n\n",
		"a stream without an end": stream + "data: {\"choices\":[{\"finish_reason\":\"stop\",\"delta\":{}}],\"usage\":{\"total_tokens\":3}}\n",
		"parts":                   `{"choices":[{"message":{"content":[{"type":"reasoning","text":"[\"no\"]"},{"type":"text","text":"[\"Please say how the thing in the house is done?\"]"}]}}]}`,
		"parts that are texts":    `{"choices":[{"message":{"content":["{\"variations\":[", "\"Please say how the thing in the house is done?\"]}"]}}]}`,
		"the thing itself":        `{"choices":[{"message":{"content":` + goodAnswer + `}}]}`,
		"other types":             `{"id":7,"choices":[{"index":"0","finish_reason":7,"message":{"refusal":false,"content":` + fmt.Sprintf("%q", goodAnswer) + `}}],"usage":"none","error":null}`,
	} {
		url, _ := serve(t, func(int64, asked, http.Header) (int, string) { return 200, body })
		if rows, env, err := ask(t, url, plainRows, nil); err != nil || len(byModel(rows)) == 0 {
			t.Errorf("%s: %v, %q", name, err, env.Notes)
		}
	}
	url, _ := serve(t, func(int64, asked, http.Header) (int, string) { return 200, stream })
	if _, _, err := ask(t, url, plainRows, nil); err == nil || !strings.Contains(err.Error(), "cut off") {
		t.Errorf("a stream that is cut off: %v", err)
	}
}

// If an endpoint refuses the form of a question without naming the field, the question must be repeated without optional fields.
func TestAnEndpointThatDoesNotSayWhat(t *testing.T) {
	for _, status := range []int{400, 404, 422, 500, 501} {
		url, _ := serve(t, func(_ int64, q asked, _ http.Header) (int, string) {
			if q.Format.Type != "" || q.Temp != nil {
				return status, `{"error":"bad request"}`
			}
			return 200, says(goodAnswer, "stop")
		})
		if rows, env, err := ask(t, url, plainRows, func(c *Config) { c.LLM.Retries = 0 }); err != nil || len(byModel(rows)) == 0 {
			t.Errorf("%d: %v, %q", status, err, env.Notes)
		}
	}
}

// A server must not be able to make a call wait for ever or repeat without end.
func TestWaitsAreBounded(t *testing.T) {
	for header, most := range map[string]int64{"0.001": 121, "1": 121, "99999999999999": 1, "1e308": 1, "Fri, 31 Dec 9999 23:59:59 GMT": 1, "-5": 3, "0": 3, "NaN": 3, "soon": 3, "Mon, 01 Jan 1990 00:00:00 GMT": 3} {
		clock := &fakeClock{now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
		p := &poster{clock: clock, retries: 2, timeout: 5 * time.Second}
		url, calls := serve(t, func(_ int64, _ asked, h http.Header) (int, string) {
			h.Set("Retry-After", header)
			return 429, "slow down"
		})
		if _, err := p.post(t.Context(), url, nil, map[string]string{}); err == nil || calls.Load() > most || clock.Now().Sub(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)) > longestWait+time.Minute {
			t.Errorf("%s: %v after %d calls and %s", header, err, calls.Load(), clock.Now())
		}
	}
}
