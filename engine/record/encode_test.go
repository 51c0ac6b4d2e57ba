package record

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

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
		if body, err := r.Body(); herr != nil || err != nil || string(head)+string(body) != string(want) {
			t.Errorf("%s in parts: %v, %v\n%s %s\nwant\n%s", name, herr, err, head, body, want)
		}
	}
	if _, err := (&Run{Pipelines: []Pipeline{{Meta: json.RawMessage("{")}}}).Encode(); err == nil {
		t.Error("what is no JSON is no error")
	}
}
