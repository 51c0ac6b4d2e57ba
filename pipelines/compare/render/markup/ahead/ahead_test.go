package ahead

import (
	"html/template"
	"strings"
	"testing"
)

type data struct {
	S  string
	N  int
	In struct{ X string }
}

// What would not be safe, or would mean something else than in html/template, is refused.
func TestRefuses(t *testing.T) {
	for source, why := range map[string]string{
		`<script>var x = {{.S}}</script>`:               "there is no code",
		`<style>p { color: {{.S}} }</style>`:            "there is no code",
		`<p onclick="f({{.S}})">`:                       "there is no code",
		`<p title={{.S}}>`:                              "there is no code",
		`<p {{.S}}="x">`:                                "there is no code",
		`<p>{{css .S}}</p>`:                             "is of type string",
		`<p>{{raw .S}}</p>`:                             "is of type string",
		`<p>{{.Missing}}</p>`:                           "has no Missing",
		`{{range .N}}x{{end}}`:                          "is no list",
		`{{if .In}}x{{end}}`:                            "is no condition",
		`{{if eq .S .N}}x{{end}}`:                       "can't be compared",
		`{{template "other"}}{{define "other"}}{{end}}`: "has no data",
		`<a href="{{.S}}`:                               "ends in a non-text context",
	} {
		_, err := Compile(Input{Package: "rein/x", Templates: template.Must(template.New("page").Funcs(Code).Parse(source)), Data: map[string]any{"page": data{}}})
		if err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v, want %q", source, err, why)
		}
	}
}
