package augment

import (
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// protected defines protected spans by a regular expression, which is slow. spans must find the same ones without it.
var protected = regexp.MustCompile("(?s)```.*?```|`[^`\n]*`|(?:https?://|www\\.)\\S*[\\w/=&#-]|[\\w.+-]+@[\\w-]+\\.[\\w.]+|\"[^\"\n]{1,200}\"|“[^“”\n]{1,200}”|„[^„“”\n]{1,200}[“”]|«[^«»\n]{1,200}»|「[^「」\n]{1,200}」|\\{[^{}\n]*\\}|<[^<>\n]+>|\\S*[\\d\\pN_/\\\\](?:\\S*[\\w=/\\\\%\\pL\\pN\\pM\u200c\u200d])?")

func TestSpans(t *testing.T) {
	piece := rapid.SampledFrom([]string{"a", " ", "www.", "http://x", "http", "@", "m@x.de", "`c`", "```", "\"q\"", "{p}", "<t>", "7", "_", "/", "\\", "٣", "²", "é", "\ufe0f", "\u200d", "क्ष", ".", "\n", "\t", "{", "}", "<", ">", "\"", "`", "-", "https://", "%", "=", "\u00a0", "a@b", "x.y", "“", "”", "„", "«", "»", "「", "」"})
	rapid.Check(t, func(t *rapid.T) {
		s := ""
		for _, p := range rapid.SliceOf(piece).Draw(t, "pieces") {
			s += p
		}
		var want [][2]int
		for _, at := range protected.FindAllStringIndex(s, -1) {
			want = append(want, [2]int(at))
		}
		if diff := cmp.Diff(want, spans(s)); diff != "" {
			t.Fatalf("%q: %s", s, diff)
		}
	})
}
