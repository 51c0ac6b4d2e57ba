package steps_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/zclconf/go-cty/cty"
	"pgregory.net/rapid"

	"rein/engine"
	"rein/steps"
	"rein/steps/artifact"
)

type config struct {
	Size    int                `hcl:"size" doc:"how many"`
	Rate    float64            `hcl:"rate" default:"0.5" doc:"share"`
	Mode    string             `hcl:"mode" default:"a" enum:"a,b" doc:"which"`
	Names   []string           `hcl:"names,optional" doc:"names"`
	Quotas  map[string]float64 `hcl:"quotas,optional" doc:"shares"`
	Kind    string             `hcl:"kind,optional" enum:"a,b" doc:"which kind, if any"`
	Device  string             `hcl:"device" default:"auto" key:"-" doc:"where"`
	Limit   *float64           `hcl:"limit,optional" doc:"limit"`
	Model   *model             `hcl:"model,block" doc:"a block"`
	Filters []model            `hcl:"filter,block" doc:"several"`
}

type model struct {
	Base  string `hcl:"base" doc:"folder"`
	Depth int    `hcl:"depth" default:"6" doc:"layers"`
}

func (c *config) Validate() error {
	if c.Size < 0 {
		return errors.New("size: must not be negative")
	}
	return nil
}

type inputs struct {
	Rows artifact.Rows   `port:"rows" doc:"rows"`
	Add  []artifact.Rows `port:"add,optional" doc:"more"`
}

type outputs struct {
	Rows artifact.Rows `port:"rows" doc:"rows"`
}

func newType(run func(config, inputs) error) *steps.Type {
	return steps.New("toy", 3, "A toy.", func(_ context.Context, _ *steps.Env, c config, in inputs) (outputs, error) {
		return outputs{}, run(c, in)
	}, steps.Passes("rows", "add"))()
}

func TestConfigIsDecoded(t *testing.T) {
	limit := 0.25
	want := config{Size: 7, Rate: 0.5, Mode: "b", Names: []string{"x"}, Quotas: map[string]float64{"k": 0.1}, Device: "auto",
		Limit: &limit, Model: &model{Base: "dir", Depth: 6}, Filters: []model{{"p", 1}, {"q", 6}}}
	var got config
	var in inputs
	typ := newType(func(c config, i inputs) error { got, in = c, i; return nil })
	op, err := typ.Op(cty.ObjectVal(map[string]cty.Value{
		"size": cty.StringVal("7"), "mode": cty.StringVal("b"), "names": cty.TupleVal([]cty.Value{cty.StringVal("x")}),
		"quotas": cty.ObjectVal(map[string]cty.Value{"k": cty.NumberFloatVal(0.1)}), "limit": cty.NumberFloatVal(0.25),
		"model": cty.ObjectVal(map[string]cty.Value{"base": cty.StringVal("dir")}),
		"filter": cty.TupleVal([]cty.Value{
			cty.ObjectVal(map[string]cty.Value{"base": cty.StringVal("p"), "depth": cty.NumberIntVal(1)}),
			cty.ObjectVal(map[string]cty.Value{"base": cty.StringVal("q")})}),
	}))
	if err != nil {
		t.Fatal(err)
	}
	call := &engine.Call{Inputs: map[string][]engine.File{"rows": {{Path: "r"}}, "add": {{Path: "a"}, {Path: "b"}}}}
	if err := op.Run(t.Context(), call); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(inputs{artifact.Rows{Path: "r"}, []artifact.Rows{{Path: "a"}, {Path: "b"}}}, in); diff != "" {
		t.Error(diff)
	}

	// A work order carries the config as JSON: the Op made of it must be the same.
	d, err := op.Describe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	again, err := steps.Resolver(func() []*steps.Type { return []*steps.Type{typ} })(d.Type, d.Version, d.Config)
	if err != nil {
		t.Fatal(err)
	}
	d2, _ := again.Describe(t.Context())
	if d2.Lines != nil {
		t.Error("the lines are known before it is known what is sensitive")
	}
	d2.Lines, _ = engine.ConfigLines(d2)
	if diff := cmp.Diff(d, d2, cmpopts.IgnoreUnexported(engine.Description{})); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"device"}, d.Unkeyed); diff != "" {
		t.Error(diff)
	}
}

func TestConfigErrors(t *testing.T) {
	typ := newType(func(config, inputs) error { return nil })
	size := cty.NumberIntVal(1)
	for want, args := range map[string]map[string]cty.Value{
		"size: is required":          {},
		"size: 1e+400 is too large":  {"size": cty.MustParseNumberVal("1e400")},
		"rate: 1e+400 is too large":  {"size": size, "rate": cty.MustParseNumberVal("1e400")},
		"size: 1.5 is not a whole":   {"size": cty.NumberFloatVal(1.5)},
		`mode: "c" is none of a, b`:  {"size": size, "mode": cty.StringVal("c")},
		`mode: "" is none of a, b`:   {"size": size, "mode": cty.StringVal("")},
		`kind: "c" is none of a, b`:  {"size": size, "kind": cty.StringVal("c")},
		"model.base: is required":    {"size": size, "model": cty.EmptyObjectVal},
		"size: must not be negative": {"size": cty.NumberIntVal(-1)},
		"rate: a number is required": {"size": size, "rate": cty.StringVal("x")},
		"quotas.k: a number is":      {"size": size, "quotas": cty.ObjectVal(map[string]cty.Value{"k": cty.StringVal("x")})},
	} {
		_, err := typ.Op(cty.ObjectVal(args))
		if err == nil || !strings.Contains(err.Error(), strings.TrimPrefix(want, "quotas.k: ")) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestPanicsBecomeErrors(t *testing.T) {
	op, err := newType(func(config, inputs) error { panic("boom") }).Op(cty.ObjectVal(map[string]cty.Value{"size": cty.Zero}))
	if err != nil {
		t.Fatal(err)
	}
	if err := op.Run(t.Context(), &engine.Call{}); err == nil || !strings.Contains(err.Error(), "boom") {
		t.Errorf("got %v", err)
	}
}

// Whatever the values, a config survives the way through a work order.
func TestConfigRoundTrip(t *testing.T) {
	var got config
	typ := newType(func(c config, _ inputs) error { got = c; return nil })
	rapid.Check(t, func(t *rapid.T) {
		args := map[string]cty.Value{
			"size": cty.NumberIntVal(rapid.Int64Range(0, 1<<52).Draw(t, "size")),
			"rate": cty.NumberFloatVal(rapid.Float64Range(-1e18, 1e18).Draw(t, "rate")),
		}
		if names := rapid.SliceOf(rapid.String()).Draw(t, "names"); len(names) > 0 {
			var vs []cty.Value
			for _, n := range names {
				vs = append(vs, cty.StringVal(n))
			}
			args["names"] = cty.ListVal(vs)
		}
		op, err := typ.Op(cty.ObjectVal(args))
		if err != nil {
			t.Fatal(err)
		}
		_ = op.Run(context.Background(), &engine.Call{})
		first := got
		d, _ := op.Describe(context.Background())
		again, err := steps.Resolver(func() []*steps.Type { return []*steps.Type{typ} })(d.Type, d.Version, d.Config)
		if err != nil {
			t.Fatal(err)
		}
		_ = again.Run(context.Background(), &engine.Call{})
		if diff := cmp.Diff(first, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestNewRefusesMistakes(t *testing.T) {
	type noTag struct{ X int }
	type noDoc struct {
		X int `hcl:"x"`
	}
	type clash struct {
		X int `hcl:"rows" doc:"x"`
	}
	for name, f := range map[string]func(){
		"no hcl tag": func() {
			steps.New("x", 1, "", func(context.Context, *steps.Env, noTag, inputs) (outputs, error) { return outputs{}, nil })()
		},
		"no doc tag": func() {
			steps.New("x", 1, "", func(context.Context, *steps.Env, noDoc, inputs) (outputs, error) { return outputs{}, nil })()
		},
		"port clash": func() {
			steps.New("x", 1, "", func(context.Context, *steps.Env, clash, inputs) (outputs, error) { return outputs{}, nil })()
		},
		"no port tag": func() {
			steps.New("x", 1, "", func(context.Context, *steps.Env, config, noTag) (outputs, error) { return outputs{}, nil })()
		},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
}
