// Package steps is what a step author imports. A step is a pure function
//
//	run(ctx, env, config, inputs) (outputs, error)
//
// with hcl tags on the config's fields and port tags on the fields of inputs and outputs; New reads them once and
// panics on a programmer's mistake. The engine sees a step as an engine.Op.
//
// A new step is a new package under steps/ and one line in steps/all.
package steps

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"sync"

	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"

	"rein/engine"
	"rein/steps/artifact"
)

// Inputs and Outputs are the port structs of a step whose ports the pipeline names itself (exec).
type (
	Inputs  map[string][]artifact.File
	Outputs map[string]artifact.File
)

// Type is a step type: its schema for the language, and the way to an engine.Op.
type Type struct {
	Name    string
	Version int
	Doc     string // one sentence
	Example string // HCL
	Fields  []Field
	In, Out []Port
	// Dynamic: the pipeline names the ports; `inputs` maps names to references, the config's `outputs` lists names.
	Dynamic bool

	isolated, nondeterministic, exclusive bool
	traits                                engine.Traits
	rowsKnown, keeps                      bool // it was said what becomes of the rows that come in
	fingerprint                           func() map[string]string
	config                                reflect.Type
	describes                             bool // a config of it has a part in an Op's Description
	adjusts                               bool // and one in its Traits
	unkeyed, extents                      []string
	call                                  func(context.Context, *Env, any, *engine.Call) error
}

// Option adjusts a Type.
type Option func(*Type)

// Isolated runs the step in a child process: for native code that may crash.
func Isolated(t *Type) { t.isolated = true }

// Exclusive says that the step measures time: no other step runs beside it, and it comes after whatever else can run.
func Exclusive(t *Type) { t.exclusive = true }

// Nondeterministic says that a re-run may give other bytes.
func Nondeterministic(t *Type) { t.nondeterministic = true }

// Fingerprint adds facts of the outside world to every key of the type: library versions, hardware.
func Fingerprint(f func() map[string]string) Option { return func(t *Type) { t.fingerprint = f } }

// Example gives a piece of HCL for the reference.
func Example(hcl string) Option { return func(t *Type) { t.Example = hcl } }

// Validator may be implemented by a config (value or pointer): checked at load, before anything runs.
type Validator interface{ Validate() error }

// Fingerprinter may be implemented by a config whose result depends on the outside world in a way that its
// own values decide (a model file named by path, a server's version).
type Fingerprinter interface {
	Fingerprint(ctx context.Context) (map[string]string, error)
}

// GPUUser may be implemented by a config whose step takes a GPU where there is one, though its resources ask for none.
type GPUUser interface{ UsesGPU() bool }

// New makes a step type of a function. version is raised whenever equal input would give other output.
func New[C, I, O any](name string, version int, doc string, run func(context.Context, *Env, C, I) (O, error), opts ...Option) *Type {
	t := &Type{Name: name, Version: version, Doc: doc, config: reflect.TypeFor[C]()}
	t.Fields = fieldsOf(t.config)
	t.unkeyed = paths(t.Fields, "", func(f Field) bool { return f.Unkeyed })
	t.extents = paths(t.Fields, "", func(f Field) bool { return f.Extent })
	var zero any = *new(C)
	_, gpu := zero.(GPUUser)
	_, fingerprint := zero.(Fingerprinter)
	t.describes = gpu || fingerprint
	_, t.adjusts = zero.(TraitsAdjuster)
	in, out := reflect.TypeFor[I](), reflect.TypeFor[O]()
	if t.Dynamic = in == reflect.TypeFor[Inputs](); !t.Dynamic {
		t.In, t.Out = portsOf(in), portsOf(out)
	}
	for _, p := range t.In {
		for _, f := range t.Fields {
			if f.Name == p.Name {
				panic(fmt.Sprintf("steps: %s: %q is both a port and an argument", name, p.Name))
			}
		}
	}
	for _, o := range opts {
		o(t)
	}
	t.checkTraits()
	t.call = func(ctx context.Context, env *Env, config any, c *engine.Call) error {
		var inputs I
		t.bind(reflect.ValueOf(&inputs).Elem(), c)
		_, err := run(ctx, env, config.(C), inputs)
		return err
	}
	return t
}

// bind sets the input ports to the call's files.
func (t *Type) bind(v reflect.Value, c *engine.Call) {
	if t.Dynamic {
		m := Inputs{}
		for port, files := range c.Inputs {
			for _, f := range files {
				m[port] = append(m[port], artifact.File{Path: f.Path})
			}
		}
		v.Set(reflect.ValueOf(m))
		return
	}
	for _, p := range t.In {
		fv := v.Field(p.index)
		for _, f := range c.Inputs[p.Name] {
			if !p.List {
				fv.Field(0).SetString(f.Path)
				break
			}
			e := reflect.New(fv.Type().Elem()).Elem()
			e.Field(0).SetString(f.Path)
			fv.Set(reflect.Append(fv, e))
		}
	}
}

// Op makes an engine.Op of an object of arguments; unknown attributes are the caller's to report.
// sensitive are dotted paths of values that must not be shown.
func (t *Type) Op(args cty.Value, sensitive ...string) (engine.Op, error) {
	cv := reflect.New(t.config).Elem()
	if err := decodeInto(cv, t.Fields, args, ""); err != nil {
		return nil, err
	}
	return t.op(cv, sensitive)
}

func (t *Type) op(cv reflect.Value, sensitive []string) (engine.Op, error) {
	if v, ok := cv.Addr().Interface().(Validator); ok {
		if err := v.Validate(); err != nil {
			return nil, err
		}
	}
	js, err := json.Marshal(encode(cv))
	if err != nil {
		return nil, fmt.Errorf("config of %s: %w", t.Name, err)
	}
	return &op{t: t, config: func() (any, error) { return cv.Interface(), nil }, json: js, sensitive: sensitive}, nil
}

// Revive makes an Op of what an Op of the type has said of itself: the Config of its Description, and the lines of the key that the
// engine has made of that. It reads the config when something asks what is in it.
func (t *Type) Revive(config json.RawMessage, lines []string) engine.Op {
	return &op{t: t, json: config, lines: lines, config: sync.OnceValues(func() (any, error) {
		o, err := t.read(config)
		if err != nil {
			return nil, err
		}
		return o.(*op).config()
	})}
}

// read makes an Op of canonical JSON.
func (t *Type) read(config json.RawMessage) (engine.Op, error) {
	ty, err := ctyjson.ImpliedType(config)
	if err != nil {
		return nil, fmt.Errorf("step type %s: config: %w", t.Name, err)
	}
	v, err := ctyjson.Unmarshal(config, ty)
	if err != nil {
		return nil, fmt.Errorf("step type %s: config: %w", t.Name, err)
	}
	return t.Op(v)
}

// Resolver finds step types by name: how a work order becomes an Op in another process.
func Resolver(types []*Type) engine.Resolver {
	return func(name string, version int, config json.RawMessage) (engine.Op, error) {
		for _, t := range types {
			if t.Name != name {
				continue
			}
			if t.Version != version {
				return nil, fmt.Errorf("step type %s: the order is for version %d, this rein has version %d", name, version, t.Version)
			}
			return t.read(config)
		}
		return nil, fmt.Errorf("unknown step type %q", name)
	}
}

type op struct {
	t         *Type
	config    func() (any, error)
	json      json.RawMessage
	lines     []string // of the key, where they are known; see Description
	sensitive []string
}

// Describe implements engine.Op.
func (o *op) Describe(ctx context.Context) (engine.Description, error) {
	d := engine.Description{
		Type: o.t.Name, Version: o.t.Version, Config: o.json, Lines: o.lines, Sensitive: o.sensitive,
		Nondeterministic: o.t.nondeterministic, Isolated: o.t.isolated, Exclusive: o.t.exclusive, Fingerprints: map[string]string{},
		Unkeyed: o.t.unkeyed, Extents: o.t.extents,
	}
	if o.t.fingerprint != nil {
		for k, v := range o.t.fingerprint() {
			d.Fingerprints[k] = v
		}
	}
	if !o.t.describes {
		return d, nil
	}
	config, err := o.config()
	if err != nil {
		return d, err
	}
	if u, ok := config.(GPUUser); ok {
		d.UsesGPU = u.UsesGPU()
	}
	if f, ok := config.(Fingerprinter); ok {
		more, err := f.Fingerprint(ctx)
		if err != nil {
			return d, err
		}
		for k, v := range more {
			d.Fingerprints[k] = v
		}
	}
	return d, nil
}

// paths are the dotted paths of the fields that is says yes to.
func paths(fields []Field, prefix string, is func(Field) bool) []string {
	var out []string
	for _, f := range fields {
		if is(f) {
			out = append(out, prefix+f.Name)
		}
		out = append(out, paths(f.Fields, prefix+f.Name+".", is)...)
	}
	return out
}

// Run calls the step's function. A panic in it is an error: one broken step must not end the engine.
func (o *op) Run(ctx context.Context, c *engine.Call) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("step type %s panicked: %v", o.t.Name, r)
		}
	}()
	config, err := o.config()
	if err != nil {
		return err
	}
	if err := o.t.call(ctx, &Env{call: c}, config, c); err != nil {
		return err
	}
	return ctx.Err()
}

// Verdictf is an error that is no fault: the step worked, and the answer is no (exit status 1).
func Verdictf(format string, args ...any) error {
	return &engine.Verdict{Text: fmt.Sprintf(format, args...)}
}

// Advise says beside an error, or a verdict, what its reader can do about it.
func Advise(err error, format string, args ...any) error {
	return engine.Advise(err, fmt.Sprintf(format, args...))
}
