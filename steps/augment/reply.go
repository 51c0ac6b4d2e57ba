package augment

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// chatAnswer is an endpoint's answer, reduced to what the step needs.
type chatAnswer struct {
	variations []string
	content    string
	tokens     int64  // used, according to the endpoint; 0: it doesn't say
	why        string // why there are no variations, and asking again would give none
	failed     string // the endpoint's error in place of an answer
}

// readAnswer reads a chat answer. Endpoints differ in everything but the text itself, so a field of an unexpected type counts as missing.
func readAnswer(raw []byte) chatAnswer {
	var resp struct {
		Choices []struct {
			Reason  any `json:"finish_reason"`
			Message struct {
				Content json.RawMessage `json:"content"`
				Refusal any             `json:"refusal"`
			} `json:"message"`
			Error json.RawMessage `json:"error"`
		} `json:"choices"`
		Usage map[string]any `json:"usage"`
	}
	_ = json.Unmarshal(raw, &resp) // post has checked that it is JSON
	out := chatAnswer{tokens: usedTokens(resp.Usage)}
	if len(resp.Choices) == 0 {
		out.failed = "an answer without choices: " + cmp.Or(saidBy(raw).message, "it is empty")
		return out
	}
	choice := resp.Choices[0]
	var refused bool
	out.content, refused = contentOf(choice.Message.Content)
	if s, ok := choice.Message.Refusal.(string); ok {
		refused = refused || strings.TrimSpace(s) != ""
	} else {
		refused = refused || choice.Message.Refusal != nil && choice.Message.Refusal != false
	}
	out.variations = variationsOf(out.content)
	switch reason := strings.ToLower(fmt.Sprint(choice.Reason)); {
	case hasAny(reason, "filter", "safety", "sensitive", "prohibited", "blocklist", "recitation", "spii", "moderation", "guardrail"):
		out.why, out.variations = "filtered", nil
	case refused || hasAny(reason, "refusal") || len(out.variations) == 0 && refuses(afterThinking(out.content)):
		out.why, out.variations = "refused", nil
	case len(out.variations) == 0 && hasAny(reason, "length", "max_tokens", "context_window"):
		out.why = "cut off"
	case len(out.variations) == 0 && len(choice.Error) > 4: // longer than "null"
		out.failed = saidBy([]byte(`{"error":` + string(choice.Error) + `}`)).message
	}
	return out
}

// mostTokens is more tokens than one answer can have used. A larger figure is an endpoint's mistake.
const mostTokens = 1 << 40

// usedTokens returns how many tokens the answer used, according to the endpoint. It returns 0 if the figures are missing or impossible.
func usedTokens(usage map[string]any) int64 {
	number := func(names ...string) float64 {
		for _, name := range names {
			f, ok := usage[name].(float64)
			if s, isText := usage[name].(string); isText {
				parsed, err := strconv.ParseFloat(s, 64)
				f, ok = parsed, err == nil
			}
			if ok && f > 0 {
				return f
			}
		}
		return 0
	}
	parts := number("prompt_tokens", "input_tokens") + number("completion_tokens", "output_tokens")
	return int64(min(max(number("total_tokens"), parts), mostTokens))
}

// contentOf returns the text of a message. The content may be a string, a list of parts, or the requested JSON object itself. Parts with
// the model's reasoning are left out; refused is true if a part is a refusal.
func contentOf(raw json.RawMessage) (text string, refused bool) {
	if json.Unmarshal(raw, &text) == nil {
		return text, false
	}
	var parts []json.RawMessage
	if json.Unmarshal(raw, &parts) != nil {
		return string(raw), false // the requested JSON object itself
	}
	for _, p := range parts {
		var part struct {
			Type    string `json:"type"`
			Text    any    `json:"text"`
			Refusal string `json:"refusal"`
		}
		var s string
		switch _ = json.Unmarshal(p, &part); {
		case json.Unmarshal(p, &s) == nil:
			text += s
		case part.Refusal != "":
			refused = true
		case hasAny(part.Type, "think", "reason"):
		default:
			s, _ := part.Text.(string)
			text += s
		}
	}
	return text, refused
}

// streamed joins the pieces of an event stream to one JSON answer. It returns raw unchanged if that is no event stream. Some endpoints
// stream although nobody asked them to.
func streamed(raw []byte) []byte {
	if !strings.HasPrefix(strings.TrimSpace(string(raw)), "data:") {
		return raw
	}
	var content, refusal strings.Builder
	var reason, usage any
	ended := false
	for line := range strings.Lines(string(raw)) {
		data, ok := strings.CutPrefix(strings.TrimSpace(line), "data:")
		if data = strings.TrimSpace(data); !ok || data == "" {
			continue
		}
		if data == "[DONE]" {
			ended = true
			break
		}
		var piece struct {
			Choices []struct {
				Reason any                               `json:"finish_reason"`
				Delta  struct{ Content, Refusal string } `json:"delta"`
			} `json:"choices"`
			Usage any             `json:"usage"`
			Error json.RawMessage `json:"error"`
		}
		err := json.Unmarshal([]byte(data), &piece)
		if len(piece.Error) > 4 {
			return []byte(data)
		}
		if err != nil && !json.Valid([]byte(data)) {
			return raw
		}
		if piece.Usage != nil {
			usage = piece.Usage
		}
		if len(piece.Choices) > 0 {
			content.WriteString(piece.Choices[0].Delta.Content)
			refusal.WriteString(piece.Choices[0].Delta.Refusal)
			reason = cmp.Or(piece.Choices[0].Reason, reason)
		}
	}
	if !ended && reason == nil {
		return raw[:0] // the stream was cut off
	}
	b, err := json.Marshal(map[string]any{"usage": usage, "choices": []any{map[string]any{"finish_reason": reason,
		"message": map[string]any{"content": content.String(), "refusal": refusal.String()}}}})
	if err != nil {
		return raw
	}
	return b
}
