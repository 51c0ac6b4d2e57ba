package lang

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"rein/pipelines/lang/diag"
	"rein/pipelines/lang/grammar"
)

// Sweep lists variables of a pipeline and their values. Each combination is a strategy.
type Sweep struct {
	Design    string
	Variables []Swept
}

// Swept is a variable and its values, each as an expression of the language.
type Swept struct {
	Name   string
	Values []string
}

// The designs: every combination; a part of them in which each value of a variable meets all values of the others equally often; or every
// combination, of which those that are shown to lose are dropped on the way.
const (
	FullDesign       = "full"
	FractionalDesign = "fractional"
	RaceDesign       = "race"
)

// Designs are all designs.
var Designs = grammar.Designs

// SeedVariable is the variable that a sweep over seeds sets.
const SeedVariable = "seed"

// designArg is the argument of a sweep block that isn't a variable.
const designArg = "design"

// MostPoints is the largest number of columns of a sweep, so that a slip in a range doesn't start thousands of trainings.
const MostPoints = 256

// Point is one combination: a value for each swept variable, in their order.
type Point []string

// Name is a point's name: "variations=8", "variations=8 seed=2".
func (s *Sweep) Name(p Point) string {
	var parts []string
	for i, v := range s.Variables {
		parts = append(parts, v.Name+"="+strings.Trim(p[i], `"`))
	}
	return strings.Join(parts, " ")
}

// Points are the design's combinations, the first variable changing slowest.
func (s *Sweep) Points() ([]Point, error) {
	total, least := 1, 0
	for _, v := range s.Variables {
		total *= max(len(v.Values), 1)
		if n := len(v.Values); n > 1 && (least == 0 || n < least) {
			least = n
		}
		if total > MostPoints {
			return nil, fmt.Errorf("the sweep has more than %d combinations: sweep fewer values, or design = %q", MostPoints, FractionalDesign)
		}
	}
	var out []Point
	for n := range total {
		point, sum := make(Point, len(s.Variables)), 0
		for i := len(s.Variables) - 1; i >= 0; i-- {
			values := s.Variables[i].Values
			point[i] = values[n%len(values)]
			sum += n % len(values)
			n /= len(values)
		}
		// Among the combinations whose levels have the same sum, each value meets the values of the others equally often, so main effects
		// can be told apart.
		if s.Design != FractionalDesign || len(s.Variables) < 2 || least < 2 || sum%least == 0 {
			out = append(out, point)
		}
	}
	return out, nil
}

// sweep reads the sweep block of the file itself. A base's sweep isn't inherited.
func (e *evaluator) sweep(attrs []*attr) *Sweep {
	if len(attrs) == 0 {
		return nil
	}
	s := &Sweep{Design: FullDesign}
	for _, a := range attrs {
		v, ok := e.eval(a.expr, scope{in: a.in, what: "a sweep", roots: valueScope})
		if !ok {
			continue
		}
		wrong := func(format string, args ...any) {
			e.diags = e.diags.Append(errorAt(a.expr.Range(), "Wrong sweep", format, args...))
		}
		if v.ContainsMarked() {
			wrong("%s would be shown, and its value is sensitive.", a.name)
			continue
		}
		if a.name == designArg {
			if text, err := convert.Convert(v, cty.String); err != nil || text.IsNull() || !slices.Contains(Designs, text.AsString()) {
				wrong("A design is one of %s.", strings.Join(Designs, ", "))
			} else {
				s.Design = text.AsString()
			}
			continue
		}
		if _, declared := e.variables[a.name]; !declared {
			e.diags = e.diags.Append(errorAt(a.nameRange, "Unknown variable", "There is no variable %q to sweep.%s", a.name, diag.Suggest(a.name, "variables", e.variableNames())))
			continue
		}
		values, err := sweptValues(v)
		if err != nil {
			wrong("%s: %s.", a.name, err)
			continue
		}
		s.Variables = append(s.Variables, Swept{a.name, values})
	}
	if len(s.Variables) == 0 && !e.diags.HasErrors() {
		e.diags = e.diags.Append(errorAt(attrs[0].rng, "Wrong sweep", "A sweep names a variable and its values: variations = [4, 6, 8]."))
	}
	return s
}

// variableNames are the variables that the pipeline declares.
func (e *evaluator) variableNames() []string {
	var out []string
	for _, d := range e.m.variables {
		out = append(out, d.name)
	}
	return out
}

// sweptValues are a list's values, or those of a range: "4..12", "4..12..2".
func sweptValues(v cty.Value) ([]string, error) {
	if v.IsNull() || !v.IsKnown() {
		return nil, fmt.Errorf("want a list of values")
	}
	if v.Type() == cty.String {
		if values, ok, err := span(v.AsString()); ok || err != nil {
			return values, err
		}
	}
	if !v.CanIterateElements() || v.Type().IsMapType() || v.Type().IsObjectType() {
		return nil, fmt.Errorf("want a list of values, or a range such as \"4..12..2\"")
	}
	if isInfinite(v) {
		return nil, errNotFinite
	}
	var out []string
	for _, x := range v.AsValueSlice() {
		out = append(out, strings.TrimSpace(string(hclwrite.TokensForValue(x).Bytes())))
	}
	return different(out)
}

// different refuses a list that is empty or has a value twice.
func different(values []string) ([]string, error) {
	if len(values) == 0 {
		return nil, fmt.Errorf("there are no values")
	}
	seen := map[string]bool{}
	for _, v := range values {
		if seen[v] {
			return nil, fmt.Errorf("%s is there twice", v)
		}
		seen[v] = true
	}
	return values, nil
}

// span reads a range of numbers: FROM..TO, or FROM..TO..STEP.
func span(text string) (values []string, ok bool, err error) {
	parts := strings.Split(text, "..")
	if len(parts) < 2 || len(parts) > 3 {
		return nil, false, nil
	}
	numbers := []float64{0, 0, 1}
	for i, p := range parts {
		if numbers[i], err = strconv.ParseFloat(strings.TrimSpace(p), 64); err != nil {
			return nil, false, nil
		}
	}
	from, to, step := numbers[0], numbers[1], numbers[2]
	if step <= 0 || to < from || (to-from)/step > MostPoints {
		return nil, true, fmt.Errorf("the range %s has no values, or more than %d: want FROM..TO..STEP with a step above 0", text, MostPoints)
	}
	for i := 0; from+float64(i)*step <= to*(1+1e-12)+1e-12; i++ {
		values = append(values, strconv.FormatFloat(roundTo(from+float64(i)*step), 'g', -1, 64))
	}
	return values, true, nil
}

// roundTo removes the last digits, where sums of steps such as 0.1 have errors.
func roundTo(f float64) float64 {
	r, _ := strconv.ParseFloat(strconv.FormatFloat(f, 'g', 12, 64), 64)
	return r
}

// ParseSwept reads a variable and its values as --sweep has them: NAME=V,V,... or NAME=FROM..TO..STEP. Text of a variable that takes
// text needs no quotation marks.
func (p *Pipeline) ParseSwept(text string) (Swept, error) {
	name, list, ok := strings.Cut(text, "=")
	name = strings.TrimSpace(name)
	i := slices.IndexFunc(p.Variables, func(v *Variable) bool { return v.Name == name })
	switch {
	case !ok || name == "" || list == "":
		return Swept{}, fmt.Errorf("--sweep %q: want NAME=VALUE,VALUE,... or NAME=FROM..TO..STEP", text)
	case i < 0:
		var names []string
		for _, v := range p.Variables {
			names = append(names, v.Name)
		}
		return Swept{}, fmt.Errorf("--sweep %q: %s has no variable %q.%s", text, p.File, name, diag.Suggest(name, "variables", names))
	}
	if values, ok, err := span(list); ok || err != nil {
		return Swept{name, values}, err
	}
	textual := p.Variables[i].Type == "string" || p.Variables[i].Type == "path"
	var values []string
	for _, v := range splitTop(list) {
		v = strings.TrimSpace(v)
		if textual && !strings.HasPrefix(v, `"`) {
			v = string(hclwrite.TokensForValue(cty.StringVal(v)).Bytes())
		}
		x, diags := hclsyntax.ParseExpression([]byte(v), "--sweep "+name, hcl.InitialPos)
		if diags.HasErrors() {
			return Swept{}, fmt.Errorf("--sweep %q: %q is no value: %s", text, v, diags[0].Summary)
		}
		if slices.ContainsFunc(x.Variables(), func(t hcl.Traversal) bool { return len(t) == 1 }) { // a word, where no text is taken
			return Swept{}, fmt.Errorf("--sweep %q: %q is no value: variable %q is %s", text, v, name, diag.Article(p.Variables[i].Type))
		}
		values = append(values, v)
	}
	values, err := different(values)
	if err != nil {
		err = fmt.Errorf("--sweep %q: %w", text, err)
	}
	return Swept{name, values}, err
}

// splitTop splits at commas outside brackets and quotation marks.
func splitTop(s string) []string {
	var out []string
	depth, quoted, from := 0, false, 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && quoted:
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[' || c == '{' || c == '(':
			depth++
		case c == ']' || c == '}' || c == ')':
			depth--
		case c == ',' && depth == 0:
			out = append(out, s[from:i])
			from = i + 1
		}
	}
	return append(out, s[from:])
}
