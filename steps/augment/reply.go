package augment

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// chatAnswer is an answer of the endpoint.
type chatAnswer struct {
	variations []string
	content    string
	tokens     int64  // used, as the endpoint says; 0: it doesn't
	why        string // there are no variations, and there will be none
	failed     string // what the endpoint says in place of an answer
}

// readAnswer reads a chat answer. Endpoints differ in all that isn't the text itself: what has another type than expected counts
// as not said.
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
	_ = json.Unmarshal(raw, &resp) // it is JSON: post has seen to that
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
	case len(out.variations) == 0 && len(choice.Error) > 4: // more than null
		out.failed = saidBy([]byte(`{"error":` + string(choice.Error) + `}`)).message
	}
	return out
}

// mostTokens is more than one answer can have used.
const mostTokens = 1 << 40

// usedTokens is what an endpoint says that an answer used; 0 if that is nothing that can be.
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

// contentOf is a message's text: a string, parts that have one, or what was asked for itself. A part may be a refusal, or thoughts.
func contentOf(raw json.RawMessage) (text string, refused bool) {
	if json.Unmarshal(raw, &text) == nil {
		return text, false
	}
	var parts []json.RawMessage
	if json.Unmarshal(raw, &parts) != nil {
		return string(raw), false // an object
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

// streamed is the answer that a stream of events has in pieces, as JSON in one; the text itself if it is no such stream. Some
// endpoints stream though nobody asked them to.
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
		return raw[:0] // it was cut off
	}
	b, err := json.Marshal(map[string]any{"usage": usage, "choices": []any{map[string]any{"finish_reason": reason,
		"message": map[string]any{"content": content.String(), "refusal": refusal.String()}}}})
	if err != nil {
		return raw
	}
	return b
}
