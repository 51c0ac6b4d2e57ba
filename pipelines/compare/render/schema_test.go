package render

import (
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"rein/pipelines/compare"
	"rein/pipelines/compare/comparetest"
)

func TestJSONFollowsItsSchema(t *testing.T) {
	c := jsonschema.NewCompiler()
	schema, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	s := comparetest.NewShelf(t)
	failed := s.Strategy("failed", weak, weak, 0, 1)
	failed.Steps[6].Error, failed.Steps[7].Outputs, failed.Steps[7].Result.Metrics = "out of memory", nil, nil
	other := s.Strategy("other", weak, model{FP: 0.001, FN: 0.01, Rows: 20000, Data: "another test set"}, 0, 1)
	for name, r := range map[string]*compare.Result{"four": four(t), "none": compute(t, s), "failed": compute(t, s, failed), "incomparable": compute(t, s, other, failed)} {
		var b strings.Builder
		if err := JSON(&b, r); err != nil {
			t.Fatal(err)
		}
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(b.String()))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(v); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
