package markup

import (
	"html/template"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Text and addresses are escaped as html/template does it in the same place.
func TestEscapesAsHTMLTemplateDoes(t *testing.T) {
	places := map[string]func(string) string{
		`<p>{{.}}</p>`:           func(s string) string { return s },
		`<title>{{.}}</title>`:   func(s string) string { return s },
		`<p title="{{.}}">`:      func(s string) string { return s },
		`<a href="{{.}}">`:       func(s string) string { return Path(Link(s)) },
		`<a href="/runs/{{.}}">`: Path,
		`<a href="/?q={{.}}">`:   Query,
		`<meta http-equiv="refresh" content="0;url={{.}}">`: Link,
	}
	parsed := map[string]*template.Template{}
	for place := range places {
		parsed[place] = template.Must(template.New("").Parse(place))
	}
	same := func(t rapid.TB, s string) {
		for place, escape := range places {
			var want strings.Builder
			if err := parsed[place].Execute(&want, s); err != nil {
				t.Fatal(err)
			}
			before, after, _ := strings.Cut(place, "{{.}}")
			var got Writer
			got.WriteString(before)
			got.Text(escape(s))
			if got.WriteString(after); got.String() != want.String() {
				t.Fatalf("%q: %s, want %s", s, got.String(), want.String())
			}
		}
	}
	var every strings.Builder
	for c := range 256 {
		every.WriteByte(byte(c))
	}
	for _, s := range []string{"", every.String(), "javascript:alert(1)", "JAVASCRIPT:x", " javascript:x", "java\tscript:x", "data:text/html,<script>", "//host/x", "/a:b", "mailto:a@b", "hTTps://x/?a=b&c='d'",
		"%4", "%41%zz%", "&amp;", "</title><script>alert(1)</script>", "\" onload=\"x", "\u2028\u202e\ufeff\ufdd0"} {
		same(t, s)
	}
	rapid.Check(t, func(t *rapid.T) { same(t, rapid.String().Draw(t, "s")) })
	rapid.Check(t, func(t *rapid.T) { same(t, rapid.StringMatching(`[a-z:/?#%&'"<>+ ]{0,12}`).Draw(t, "s")) })
}
