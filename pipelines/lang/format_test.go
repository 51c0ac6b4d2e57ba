package lang

import (
	"io/fs"
	"testing"

	"rein/pipelines"
)

func TestFormat(t *testing.T) {
	in := "pipeline \"a\" {\r\n title=\"x\"   # why\r\n    extends   = \"b.hcl\"\r\n}\r\n\r\n\r\n"
	want := "pipeline \"a\" {\r\n  title   = \"x\" # why\r\n  extends = \"b.hcl\"\r\n}\r\n" // a checkout for Windows stays one
	got, diags := Format("a.hcl", []byte(in))
	noErrors(t, diags)
	if string(got) != want {
		t.Errorf("got %q\nwant %q", got, want)
	}
	again, _ := Format("a.hcl", got)
	if string(again) != want {
		t.Errorf("formatting twice gives something else: %q", again)
	}
	if broken, diags := Format("a.hcl", []byte("a = {")); string(broken) != "a = {" || !diags.HasErrors() {
		t.Errorf("a broken file: %q %v", broken, diags)
	}
	if got, diags := Format("a.hcl", nil); len(got) != 0 || diags.HasErrors() {
		t.Errorf("an empty file: %q %v", got, diags)
	}
	json := "{ \"locals\":{} }"
	if got, diags := Format("a.rein.json", []byte(json)); string(got) != json || diags.HasErrors() {
		t.Errorf("JSON: %q %v", got, diags)
	}
}

func TestShippedPipelinesAreFormatted(t *testing.T) {
	shipped(t, func(name string, text []byte) {
		got, diags := Format(name, text)
		noErrors(t, diags)
		if string(got) != string(text) {
			t.Errorf("%s is not formatted", name)
		}
	})
}

// shipped gives each file of the strategies that ship.
func shipped(tb testing.TB, each func(name string, text []byte)) {
	tb.Helper()
	for _, pattern := range []string{"*.hcl", "*/*.hcl"} {
		names, err := fs.Glob(pipelines.FS, pattern)
		if err != nil || len(names) == 0 {
			tb.Fatal(pattern, err)
		}
		for _, name := range names {
			text, err := pipelines.FS.ReadFile(name)
			if err != nil {
				tb.Fatal(err)
			}
			each(name, text)
		}
	}
}
