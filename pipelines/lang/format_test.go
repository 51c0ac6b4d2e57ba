package lang

import (
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
	entries, err := pipelines.FS.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		text, err := pipelines.FS.ReadFile(e.Name())
		if err != nil {
			t.Fatal(err)
		}
		got, diags := Format(e.Name(), text)
		noErrors(t, diags)
		if string(got) != string(text) {
			t.Errorf("%s is not formatted", e.Name())
		}
	}
}
