package augment

import (
	"cmp"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// The tags around the reasoning that some models write before an answer.
var (
	thoughtBegin = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(?i)^\s*(?:<(?:think|thinking|thought|thoughts|reason|reasoning|reflection|analysis|scratchpad|seed:think)>|\[think\]|◁think▷|<\|channel\|>)`)
	})
	thoughtEnd = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(?i)</(?:think|thinking|thought|thoughts|reason|reasoning|reflection|analysis|scratchpad|seed:think)>|\[/think\]|◁/think▷|<\|channel\|>final<\|message\|>`)
	})
)

// afterThinking removes the model's reasoning before the answer. If the reasoning never ends, nothing is left.
func afterThinking(s string) string {
	if s = strings.TrimSpace(s); strings.HasPrefix(s, "{") || strings.HasPrefix(s, "[\"") || strings.HasPrefix(s, "```") {
		return s // a tag inside the JSON is part of a text
	}
	if ends := thoughtEnd().FindAllStringIndex(s, -1); len(ends) > 0 {
		return strings.TrimSpace(s[ends[len(ends)-1][1]:])
	}
	if thoughtBegin().MatchString(s) {
		return ""
	}
	return s
}

var listItem = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?m)^[ \t]*(?:\d{1,2}[.)]|[-*•])[ \t]+(.+?)[ \t]*$`)
})

const (
	mostRead  = 512 << 10 // bytes of an answer that are read
	mostTried = 50        // opening brackets that are tried as the beginning of the JSON
)

// variationsOf returns the variations in an answer. It looks for the JSON that was asked for, anywhere in the answer: in a code fence or
// after the model's reasoning. If the JSON is cut off, it returns the complete texts in it. Without JSON, it takes the lines of a list.
func variationsOf(content string) []string {
	s := afterThinking(strings.TrimPrefix(content, "\uFEFF"))
	if inner := ""; strings.HasPrefix(s, `"`) && json.Unmarshal([]byte(s), &inner) == nil { // JSON as a text in JSON
		s = inner
	}
	s = s[:min(len(s), mostRead)]
	for i, tried := 0, 0; i < len(s) && tried < mostTried; i++ {
		if s[i] != '{' && s[i] != '[' {
			continue
		}
		tried++
		out, length := variationsAt(s[i:])
		if len(out) > 0 {
			return out
		}
		i += max(length, 1) - 1
	}
	var out []string
	for _, m := range listItem().FindAllStringSubmatch(s, -1) {
		out = append(out, unquoted(m[1]))
	}
	return out
}

// variationsAt returns the variations in the JSON at the beginning of s, and the length of that JSON, which is 0 if there is none.
func variationsAt(s string) (out []string, length int) {
	for _, form := range []string{s, repaired(s)} {
		dec := json.NewDecoder(strings.NewReader(form))
		var v any
		if dec.Decode(&v) == nil {
			if out = stringsIn(v); form == s {
				length = int(dec.InputOffset())
			}
			return out, length
		}
	}
	return wholeStrings(repaired(s)), 0
}

// repaired makes JSON valid that has the mistakes which models make: line breaks in strings, commas before a closing bracket, backslashes
// that escape nothing, and strings in single quotes.
func repaired(s string) string {
	var b strings.Builder
	var in byte // quotation mark of the string that the loop is in; 0 outside of strings
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case in == 0 && (c == '"' || c == '\'' && begins(s[:i])):
			in = c
			b.WriteByte('"')
		case in == 0 && c == ',':
			if next := strings.TrimLeft(s[i+1:], " \t\r\n"); next == "" || next[0] != ']' && next[0] != '}' {
				b.WriteByte(c)
			}
		case in == 0:
			b.WriteByte(c)
		case c == in:
			in = 0
			b.WriteByte('"')
		case c == '"':
			b.WriteString(`\"`)
		case c == '\\' && i+1 < len(s):
			i++
			switch {
			case s[i] == '\'':
				b.WriteByte('\'')
			case strings.IndexByte(`"\/bfnrtu`, s[i]) >= 0:
				b.WriteByte('\\')
				b.WriteByte(s[i])
			default:
				b.WriteString(`\\`)
				i--
			}
		case c == '\n':
			b.WriteString(`\n`)
		case c < ' ':
			b.WriteString(`\t`)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// begins tells whether a string may begin after the JSON in before.
func begins(before string) bool {
	before = strings.TrimRight(before, " \t\r\n")
	return before != "" && strings.IndexByte("[{,:", before[len(before)-1]) >= 0
}

// stringsIn returns the texts of {"variations": [...]}, of a list, or of an object that holds exactly one list.
func stringsIn(v any) []string {
	switch v := v.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if inner, ok := v[name].(map[string]any); ok && strings.EqualFold(name, "variations") {
				return textsOf(inner)
			} else if strings.EqualFold(name, "variations") {
				return stringsIn(v[name])
			}
		}
		if keys := slices.Sorted(maps.Keys(v)); len(keys) > 0 && !slices.ContainsFunc(keys, func(k string) bool { return !strings.HasPrefix(strings.ToLower(k), "variation") }) {
			return textsOf(v) // keys like variation_1, variation_2
		}
		var out []string
		for _, e := range v {
			if list, ok := e.([]any); ok {
				if out != nil {
					return nil // several lists: nothing says which one
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
			case map[string]any: // such as {"text": "..."}
				if s, ok := onlyText(e); ok {
					out = append(out, s)
				}
			case []any:
				out = append(out, stringsIn(e)...)
			}
		}
		return out
	}
	return nil
}

// textsOf returns the texts among an object's values, sorted by key.
func textsOf(v map[string]any) []string {
	var out []string
	for _, name := range slices.SortedFunc(maps.Keys(v), func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) }) {
		if s, ok := v[name].(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// onlyText returns the text of an object that holds exactly one, whatever its key.
func onlyText(v map[string]any) (string, bool) {
	all := textsOf(v)
	if len(all) != 1 {
		return "", false
	}
	return all[0], true
}

// wholeStrings returns the strings of a list that is cut off, without the last one, which may be incomplete.
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

// unquoted returns a line of a list without its bullet or number and its quotation marks.
func unquoted(s string) string {
	s = strings.Trim(s, "*")
	for _, q := range [][2]string{{`"`, `"`}, {"“", "”"}} {
		if strings.HasPrefix(s, q[0]) && strings.HasSuffix(s, q[1]) && len(s) > len(q[0])+len(q[1]) {
			return s[len(q[0]) : len(s)-len(q[1])]
		}
	}
	return s
}
