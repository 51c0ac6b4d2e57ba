package record

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rein/cache"
)

// Encode and json.Marshal write the same text.
func TestEncode(t *testing.T) {
	for _, of := range []any{Run{}, Pipeline{}} { // Encode writes the list behind the other fields
		typ := reflect.TypeOf(of)
		if last := typ.Field(typ.NumField() - 1); last.Type.Kind() != reflect.Slice || last.Tag.Get("json") != map[string]string{"Run": "pipelines", "Pipeline": "steps"}[typ.Name()] {
			t.Errorf("the last field of %s is %s", typ.Name(), last.Name)
		}
	}
	full := Step{Name: "s<1>", Type: "exec", Status: "cached", Key: "a \"b\"\n", Outputs: map[string]cache.Blob{"o": {Digest: cache.Sum(nil), Size: 3}}, Result: cache.Result{Metrics: map[string]float64{"m": 0.1}, Made: time.Unix(1, 2).UTC()}}
	for name, r := range map[string]*Run{
		"empty": {}, "no pipelines": {Pipelines: []Pipeline{}},
		"steps": {ID: "x", Started: time.Unix(3, 4).UTC(), Pipelines: []Pipeline{{Name: "none"}, {Name: "p", Meta: json.RawMessage(`{"steps":null}`), Steps: []Step{full, {Name: "b"}, full}}, {Steps: []Step{}}}},
	} {
		want, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := r.Encode(); err != nil || string(got) != string(want) {
			t.Errorf("%s: %v\n%s\nwant\n%s", name, err, got, want)
		}
		head, herr := r.Head()
		if body, err := r.Body(); herr != nil || err != nil || string(head)+string(body.Text) != string(want) {
			t.Errorf("%s in parts: %v, %v\n%s %s\nwant\n%s", name, herr, err, head, body.Text, want)
		}
	}
	if _, err := (&Run{Pipelines: []Pipeline{{Meta: json.RawMessage("{")}}}).Encode(); err == nil {
		t.Error("what is no JSON is no error")
	}
}

// BodyLike of a changed run is its Body.
func TestBodyLike(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		was, now := &Run{}, &Run{}
		var changed []int
		at := 0
		for range rapid.IntRange(0, 3).Draw(t, "pipelines") {
			a, b := Pipeline{Name: "p"}, Pipeline{Name: "p"}
			for range rapid.IntRange(0, 4).Draw(t, "steps") {
				s := Step{Name: rapid.String().Draw(t, "name"), Status: "cached", RunMS: 3}
				a.Steps = append(a.Steps, s)
				if rapid.Bool().Draw(t, "changed") {
					s.Status, s.RunMS = rapid.SampledFrom([]string{"ran", "unchanged, at length"}).Draw(t, "status"), 0
					changed = append(changed, at)
				}
				b.Steps = append(b.Steps, s)
				at++
			}
			was.Pipelines, now.Pipelines = append(was.Pipelines, a), append(now.Pipelines, b)
		}
		like, err := was.Body()
		if err != nil {
			t.Fatal(err)
		}
		want, err := now.Body()
		got, err2 := now.BodyLike(like, changed)
		if err != nil || err2 != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%v, %v\n%s\nwant\n%s", err, err2, got.Text, want.Text)
		}
	})
}
