package dataset

import (
	"fmt"
	"strings"
	"testing"

	"rein/steps/artifact"
)

// Look must report for the first rows what a run finds in all of them, and fail with the run's error.
func TestLookSeesWhatARunTakes(t *testing.T) {
	var b strings.Builder
	b.WriteString("user_prompt,verdict,dataset\n")
	for i := range 50 {
		fmt.Fprintf(&b, "prompt %d,%s,%s\n", i, []string{"benign", "malicious"}[i%2], []string{"a", "b", "c"}[i%3])
	}
	dir := folder(t, map[string]string{"a.csv": b.String()})
	g, err := Look(t.Context(), dir, Config{}, 10)
	if err != nil {
		t.Fatal(err)
	}
	if g.Rows != 10 || g.Benign != 5 || !g.More || g.Sources != 3 || strings.Join(g.Text, " ") != `"user_prompt"` || strings.Join(g.Label, " ") != `"verdict"` || strings.Join(g.Fields["source"], " ") != `"dataset"` {
		t.Errorf("%+v", g)
	}
	rows, _, err := read(t, Config{}, dir)
	if err != nil {
		t.Fatal(err)
	}
	all, err := Look(t.Context(), dir, Config{}, 1000)
	if err != nil || all.More || all.Rows != len(rows) {
		t.Errorf("%+v, %v", all, err)
	}
	benign := 0
	for _, r := range rows {
		if r.Label == artifact.Benign {
			benign++
		}
	}
	if all.Benign != benign {
		t.Errorf("%d benign rows, the step has %d", all.Benign, benign)
	}
}

func TestLookFailsAsARunDoes(t *testing.T) {
	for name, text := range map[string]string{"an unknown label": "text,label\na,ham\n", "no label": "text,about\na,b\n", "nothing": "text,label\n"} {
		dir := folder(t, map[string]string{"a.csv": text})
		_, _, want := read(t, Config{}, dir)
		_, got := Look(t.Context(), dir, Config{}, 10)
		if want == nil || got == nil || got.Error() != want.Error() {
			t.Errorf("%s: a look says %v, a run %v", name, got, want)
		}
	}
}

// The files of a folder may differ in their columns: none of them is kept quiet.
func TestLookSaysWhatEachFileHas(t *testing.T) {
	dir := folder(t, map[string]string{"benign.csv": "text,source\na,x\n", "empty.csv": "prompt,source\n", "malicious.csv": "prompt,dataset\nb,x\n"})
	g, err := Look(t.Context(), dir, Config{}, 10)
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(g.Text, g.Label, g.Fields["source"])
	if want := `["text" "prompt"] [the file's name (benign) the file's name (malicious)] ["source" "dataset"]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
