// Package steps is what a step author imports. A step is a pure function
//
//	run(ctx, env, config, inputs) (outputs, error)
//
// The fields of config have hcl tags, the fields of inputs and outputs have port tags. The type that New returns reads the tags once, when
// it is first used, and panics if they are invalid. The engine sees a step as an engine.Op.
//
// A new step type is a new package under steps/ and one line in steps/all.
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

// Inputs and Outputs are the port structs of a step whose ports are named by the pipeline, such as exec.
type (
	Inputs  map[string][]artifact.File
	Outputs map[string]artifact.File
)

// Type is a step type. It holds the schema for the language and makes the engine.Op of a step.
type Type struct {
	Name    string
	Version int
	Doc     string // one sentence that says what the step does
	Example string // an example in HCL
	Fields  []Field
	In, Out []Port
	// Dynamic tells that the pipeline names the ports: the argument `inputs` maps names to references, and `outputs` lists names.
	Dynamic bool

	isolated, nondeterministic, exclusive bool
	reuses                                bool
	traits                                engine.Traits
	rowsKnown, keeps                      bool // the type says what becomes of the rows of its inputs
	fingerprint                           func() map[string]string
	config                                reflect.Type
	describes                             bool // its configs contribute to an Op's Description
	adjusts                               bool // its configs contribute to an Op's Traits
	unkeyed, extents                      []string
	call                                  func(context.Context, *Env, any, *engine.Call) error
}

// Option changes a Type that New makes.
type Option func(*Type)

// Isolated makes the step run in a child process, because its native code may crash.
func Isolated(t *Type) { t.isolated = true }

// Reuses says that the step takes care of the files in Env.Left.
func Reuses(t *Type) { t.reuses = true }

// Exclusive says that the step measures time. No other step runs beside it, and it runs after all others that can.
func Exclusive(t *Type) { t.exclusive = true }

// Nondeterministic says that a second run of the step may give other bytes.
func Nondeterministic(t *Type) { t.nondeterministic = true }

// Fingerprint adds facts about the outside world to the key of every step of the type, such as library versions or hardware.
func Fingerprint(f func() map[string]string) Option { return func(t *Type) { t.fingerprint = f } }

// Example adds an example in HCL to the reference.
func Example(hcl string) Option { return func(t *Type) { t.Example = hcl } }

// Validator may be implemented by a config (value or pointer). Validate is called when the file is loaded, before anything runs.
type Validator interface{ Validate() error }

// Fingerprinter may be implemented by a config if its values decide which facts about the outside world affect the result: the content of a
// model file that is named by path, a server's version. The facts become part of the key.
type Fingerprinter interface {
	Fingerprint(ctx context.Context) (map[string]string, error)
}

// GPUUser may be implemented by a config. If UsesGPU returns true, the step uses a GPU if there is one, even if its resources ask for none.
type GPUUser interface{ UsesGPU() bool }

// New returns a step type that calls run. It is made at the first call of what New returns: commands that need none start without. Raise
// version whenever equal inputs would give a different output.
func New[C, I, O any](name string, version int, doc string, run func(context.Context, *Env, C, I) (O, error), opts ...Option) func() *Type {
	return sync.OnceValue(func() *Type {
		t := newType(name, version, doc, *new(C), reflect.TypeFor[C](), reflect.TypeFor[I](), reflect.TypeFor[O](), opts)
		t.call = func(ctx context.Context, env *Env, config any, c *engine.Call) error {
			var inputs I
			t.bind(reflect.ValueOf(&inputs).Elem(), c)
			_, err := run(ctx, env, config.(C), inputs)
			return err
		}
		return t
	})
}

// newType is what New does whatever the types are, which is compiled once. zero is a config without values.
func newType(name string, version int, doc string, zero any, config, in, out reflect.Type, opts []Option) *Type {
	t := &Type{Name: name, Version: version, Doc: doc, config: config}
	t.Fields = fieldsOf(t.config)
	t.unkeyed = paths(t.Fields, "", func(f Field) bool { return f.Unkeyed })
	t.extents = paths(t.Fields, "", func(f Field) bool { return f.Extent })
	_, gpu := zero.(GPUUser)
	_, fingerprint := zero.(Fingerprinter)
	t.describes = gpu || fingerprint
	_, t.adjusts = zero.(TraitsAdjuster)
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
	return t
}

// bind sets the fields of the inputs struct v to the paths of the call's files.
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

// Op returns the engine.Op of a step with the arguments args. It ignores unknown attributes; the caller reports them. sensitive lists the
// dotted paths of arguments whose values must not be shown.
func (t *Type) Op(args cty.Value, sensitive ...string) (engine.Op, error) {
	o, err := t.op(args)
	if err != nil {
		return nil, err
	}
	if o.sensitive = sensitive; len(sensitive) > 0 {
		return o, nil // the lines depend on the state folder
	}
	if o.lines, err = engine.ConfigLines(o.description()); err != nil {
		return nil, err
	}
	return o, nil
}

func (t *Type) op(args cty.Value) (*op, error) {
	cv := reflect.New(t.config).Elem()
	if err := decodeInto(cv, t.Fields, args, ""); err != nil {
		return nil, err
	}
	if v, ok := cv.Addr().Interface().(Validator); ok {
		if err := v.Validate(); err != nil {
			return nil, err
		}
	}
	js, err := json.Marshal(encode(cv))
	if err != nil {
		return nil, fmt.Errorf("config of %s: %w", t.Name, err)
	}
	return &op{t: t, config: func() (any, error) { return cv.Interface(), nil }, json: js}, nil
}

// Revive returns an Op that was described before: config is the Config of its Description, lines are the lines of the key that the engine
// made of it. The config is decoded only when something asks for its content.
func (t *Type) Revive(config json.RawMessage, lines []string) engine.Op {
	return &op{t: t, json: config, lines: lines, config: sync.OnceValues(func() (any, error) {
		o, err := t.read(config)
		if err != nil {
			return nil, err
		}
		return o.(*op).config()
	})}
}

// read returns the Op of a config in canonical JSON. It has no lines, because nobody knows here which arguments are sensitive.
func (t *Type) read(config json.RawMessage) (engine.Op, error) {
	ty, err := ctyjson.ImpliedType(config)
	if err != nil {
		return nil, fmt.Errorf("step type %s: config: %w", t.Name, err)
	}
	v, err := ctyjson.Unmarshal(config, ty)
	if err != nil {
		return nil, fmt.Errorf("step type %s: config: %w", t.Name, err)
	}
	return t.op(v)
}

// Resolver returns a function that finds a step type by name and version. With it another process turns a work order into an Op.
func Resolver(types func() []*Type) engine.Resolver {
	return func(name string, version int, config json.RawMessage) (engine.Op, error) {
		for _, t := range types() {
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
	lines     []string // lines of the key if they are known; see engine.Description
	sensitive []string
}

// description is what Describe says without looking at the outside world.
func (o *op) description() engine.Description {
	return engine.Description{
		Type: o.t.Name, Version: o.t.Version, Config: o.json, Lines: o.lines, Sensitive: o.sensitive,
		Nondeterministic: o.t.nondeterministic, Isolated: o.t.isolated, Exclusive: o.t.exclusive, Reuses: o.t.reuses,
		Unkeyed: o.t.unkeyed, Extents: o.t.extents,
	}
}

// Describe implements engine.Op.
func (o *op) Describe(ctx context.Context) (engine.Description, error) {
	d := o.description()
	d.Fingerprints = map[string]string{}
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

// paths returns the dotted paths of the fields for which is returns true.
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

// Run calls the step's function. It turns a panic into an error, because one broken step must not end the engine.
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

// Verdictf returns an error that isn't a fault: the step worked, and the answer is no (exit status 1).
func Verdictf(format string, args ...any) error {
	return &engine.Verdict{Text: fmt.Sprintf(format, args...)}
}

// Advise returns err with advice for its reader on what to do.
func Advise(err error, format string, args ...any) error {
	return engine.Advise(err, fmt.Sprintf(format, args...))
}
