package augment

import (
	"encoding/json"
	"regexp"
	"strings"
)

// afterThinking is an answer without what a model wrote to itself before it.
func afterThinking(s string) string {
	for _, end := range []string{"</think>", "</thinking>", "</reasoning>"} {
		if at := strings.LastIndex(s, end); at >= 0 {
			s = s[at+len(end):]
		}
	}
	for _, begin := range []string{"<think>", "<thinking>", "<reasoning>"} {
		if at := strings.Index(s, begin); at >= 0 {
			s = s[:at]
		}
	}
	return strings.TrimSpace(s)
}

var listItem = regexp.MustCompile(`(?m)^[ \t]*(?:\d{1,2}[.)]|[-*•])[ \t]+(.+?)[ \t]*$`)

// variationsOf finds the variations in an answer: the JSON that was asked for, wherever it stands (in a fence, after the model's
// thoughts), what is whole of it where it is cut off, or else the lines of a list.
func variationsOf(content string) []string {
	s := afterThinking(content)
	for i := 0; i < len(s); i++ {
		if s[i] != '{' && s[i] != '[' {
			continue
		}
		dec := json.NewDecoder(strings.NewReader(s[i:]))
		var v any
		if err := dec.Decode(&v); err == nil {
			if out := stringsIn(v); len(out) > 0 {
				return out
			}
			i += int(dec.InputOffset()) - 1
		} else if out := wholeStrings(s[i:]); len(out) > 0 {
			return out
		}
	}
	var out []string
	for _, m := range listItem.FindAllStringSubmatch(s, -1) {
		out = append(out, unquoted(m[1]))
	}
	return out
}

// stringsIn are the texts of {"variations": [...]}, of a list, or of an object with one list in it.
func stringsIn(v any) []string {
	switch v := v.(type) {
	case map[string]any:
		if list, ok := v["variations"]; ok {
			return stringsIn(list)
		}
		var out []string
		for _, e := range v {
			if list, ok := e.([]any); ok {
				if out != nil {
					return nil // which of them?
				}
				out = stringsIn(list)
			}
		}
		return out
	case []any:
		var out []string
		for _, e := range v {
			switch e := e.(type) {
			case string:
				out = append(out, e)
			case map[string]any: // {"text": "..."}
				for _, only := range e {
					if s, ok := only.(string); ok && len(e) == 1 {
						out = append(out, s)
					}
				}
			}
		}
		return out
	}
	return nil
}

// wholeStrings are the texts of a list that is cut off, without the last.
func wholeStrings(s string) []string {
	at := strings.Index(s, "[")
	if at < 0 || strings.HasPrefix(s, "{") && !strings.Contains(s[:at], `"variations"`) {
		return nil
	}
	dec := json.NewDecoder(strings.NewReader(s[at:]))
	if _, err := dec.Token(); err != nil {
		return nil
	}
	var out []string
	for dec.More() {
		var one string
		if dec.Decode(&one) != nil {
			break
		}
		out = append(out, one)
	}
	return out
}

// unquoted is a line of a list without the marks around it.
func unquoted(s string) string {
	s = strings.Trim(s, "*")
	for _, q := range [][2]string{{`"`, `"`}, {"“", "”"}} {
		if strings.HasPrefix(s, q[0]) && strings.HasSuffix(s, q[1]) && len(s) > len(q[0])+len(q[1]) {
			return s[len(q[0]) : len(s)-len(q[1])]
		}
	}
	return s
}

// straight is a text in lower case with plain apostrophes.
func straight(s string) string {
	return strings.ToLower(strings.ReplaceAll(strings.TrimSpace(s), "’", "'"))
}

var refusal = regexp.MustCompile(`^(?:(?:(?:i'm|i am) |we are |my apologies|apologies|unfortunately)?(?:really |very |so )?(?:sorry|afraid|my apologies|apologies|unfortunately)\b.{0,60}?(?:can't|cannot|can not|unable|won't|not able|not comfortable)|` +
	`(?:i|we) (?:can't|cannot|can not|won't|will not|am unable|am not able|must decline|have to decline|decline)(?: to)? (?:help|assist|do|comply|provide|fulfil|fulfill|create|write|generate|answer|support|continue|engage|rewrite|paraphrase|produce|process|respond|with)|` +
	`(?:i'm|i am) (?:unable|not able|not comfortable)|as an ai\b|i don't feel comfortable)`)

// refuses tells whether a text is a model's refusal.
func refuses(s string) bool { return refusal.MatchString(straight(s)) }

var (
	answerOpening = regexp.MustCompile(`^(?:sure|certainly|of course|absolutely|great question|here(?:'s| is| are) (?:a|an|the|some|your|my|how|what|one|two|three|\d)|yes[,.!]|no[,.!]|the answer\b|the short answer\b|in short[,:]|to answer)`)
	requests      = set(`accomplish add advise analyse analyze answer arrange assess assist build calculate can can't change check choose classify clean combine come compare complete compose compute consider convert correct could count
		create debug decode decide define describe design determine develop devise did discuss do does draft draw edit elaborate enumerate estimate evaluate examine expand explain explore extract figure fill find fix format formulate
		gather generate get give guess guide had has have help how i i'd i'm identify imagine implement improve infer inform invent is are was were kindly let let's list look looking make may might
		mention modify my name need offer organise organize outline paraphrase pick plan please point predict prepare pretend print produce propose prove provide rank rate read recommend refactor rephrase replace reply research
		respond review revise rewrite say search see select set shorten should show simplify sketch solve sort speak specify state suggest sum summarise summarize supply take talk teach tell think translate try turn use verify
		walk want we what what's when where where's which who who's whom whose why will work would write you`)
)

func set(list string) map[string]bool {
	out := map[string]bool{}
	for w := range strings.FieldsSeq(list) {
		out[w] = true
	}
	return out
}

// asks tells whether a text asks for something: it has a question mark, or a sentence that begins as a request does.
func asks(s string) bool {
	if strings.ContainsAny(s, "?？؟") {
		return true
	}
	s = straight(s)
	if strings.Contains(s, "please") || strings.Contains(s, "i need") || strings.Contains(s, "i want") {
		return true
	}
	for _, sentence := range sentences(s) {
		if first, _, _ := strings.Cut(strings.TrimLeft(sentence, `"'-*•(`), " "); requests[strings.Trim(first, ".,:;!?")] {
			return true
		}
	}
	return false
}

// answersInstead tells whether a text answers a prompt where it should say it in other words.
func answersInstead(prompt, s string) bool {
	if p := straight(prompt); answerOpening.MatchString(straight(s)) && !answerOpening.MatchString(p) {
		return true
	}
	return asks(prompt) && !asks(s)
}

// orders are those to a model, as injections give them.
var orders = []*regexp.Regexp{
	regexp.MustCompile(`\b(?:ignore|disregard|forget|override|bypass|skip)\b.{0,40}\b(?:instructions?|rules|guidelines|directions|prompts?|commands|orders|safeguards|restrictions)\b`),
	regexp.MustCompile(`\b(?:ignore|disregard|forget)\b.{0,20}\b(?:all|everything|anything|what)\b.{0,30}\b(?:above|before|previous|prior|earlier|said|told)\b`),
	regexp.MustCompile(`\b(?:reveal|print|show|repeat|output|leak|tell)\b.{0,40}\b(?:system|initial|hidden|original|secret) (?:prompt|message|instructions?)\b`),
	regexp.MustCompile(`\b(?:developer|god|dan|jailbreak|unrestricted|sudo) mode\b|\bdo anything now\b|\bjailbroken?\b`),
	regexp.MustCompile(`\byou are (?:now )?(?:dan\b|free of|no longer bound|unrestricted|unfiltered)`),
	regexp.MustCompile(`<\|?(?:im_start|im_end|endoftext|system)\|?>|\[/?inst\]`),
}

// injects tells whether a text gives a model orders of a kind that its prompt doesn't.
func injects(prompt, s string) bool {
	p := straight(prompt)
	s = straight(s)
	for _, o := range orders {
		if o.MatchString(s) && !o.MatchString(p) {
			return true
		}
	}
	return false
}

// unlike says why a model's text is no variation of a prompt; "" if it may be one.
func unlike(prompt, s string) string {
	switch {
	case refuses(s) && !refuses(prompt):
		return "the model refused"
	case injects(prompt, s):
		return "it gives orders to a model, which its row doesn't"
	case answersInstead(prompt, s):
		return "it answers the row in place of varying it"
	}
	return ""
}
