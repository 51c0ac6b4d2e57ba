package lang

import (
	"slices"
	"strings"
	"testing"
)

// atCursor loads a text with a | in it, and tells where that was.
func atCursor(t *testing.T, text string) (*Program, int) {
	t.Helper()
	before, after, ok := strings.Cut(text, "|")
	if !ok {
		t.Fatal("no cursor in the text")
	}
	base := `
variable "scale" {
  default     = 1
  description = "Share of everything."
}
step "synthesize" "corpus" { scale = var.scale }
step "dataset" "mail" {
  for_each = ["a", "b"]
  data     = each.key
}
locals { rows = step.corpus.train }
step "train-gpu" "model" {
  rows       = local.rows
  validation = step.corpus.validation
}
`
	o := testOptions(map[string]string{"main.hcl": before + after, "base.hcl": base})
	p, _ := Load([]string{"main.hcl"}, o)
	return p, len(before)
}

const extending = "pipeline \"p\" { extends = \"base.hcl\" }\n"

func TestComplete(t *testing.T) {
	for name, c := range map[string]struct {
		text  string
		first string // the best candidate
		also  []string
		not   []string
	}{
		"block":            {extending + "ste|", "step", nil, []string{"pipeline"}},
		"all blocks":       {extending + "|", "cache", []string{"step", "variable", "set"}, nil},
		"step type":        {extending + "step \"tr|", "train-gpu", nil, []string{"augment"}},
		"step name":        {extending + "step \"train-gpu\" \"|", "model", nil, []string{"corpus"}},
		"argument":         {extending + "step \"augment\" \"a\" {\n  va|\n}\n", "variations", nil, nil},
		"required first":   {extending + "step \"sample\" \"a\" {\n  |\n}\n", "rows", []string{"size", "when", "resources"}, nil},
		"in a block":       {extending + "step \"train-gpu\" \"a\" {\n  model {\n    |\n  }\n}\n", "buckets", []string{"kind"}, []string{"rows"}},
		"set":              {extending + "set {\n  |\n}\n", "scale", nil, []string{"step"}},
		"variable":         {extending + "step \"sample\" \"s\" {\n  size = var.|\n}\n", "var.scale", nil, []string{"local.rows"}},
		"port by kind":     {extending + "step \"evaluate\" \"e\" {\n  model = |\n}\n", "step.model.model", []string{"step.corpus.train", "local.rows", "concat"}, nil},
		"within a list":    {extending + "step \"merge\" \"m\" {\n  base = local.rows\n  add  = [step.mail|]\n}\n", `step.mail["a"].rows`, []string{`step.mail["b"].rows`}, nil},
		"enum":             {extending + "step \"split\" \"s\" {\n  by = |\n}\n", `"root"`, []string{`"row"`, `"source"`}, nil},
		"enum in quotes":   {extending + "step \"split\" \"s\" {\n  by = \"so|\n}\n", "source", nil, []string{"sort"}},
		"enum of a block":  {extending + "step \"train-gpu\" \"a\" {\n  model {\n    kind = |", `"encoder"`, []string{`"ngram"`}, nil},
		"bool":             {extending + "step \"augment\" \"a\" {\n  when = t|\n}\n", "true", []string{"trim"}, nil},
		"function":         {extending + "locals {\n  a = regexr|\n}\n", "regexreplace", nil, nil},
		"after a comment":  {extending + "# step \"\n|", "cache", nil, nil},
		"extends":          {"pipeline \"p\" { extends = \"base.hcl\" }\npipeline \"q\" {\n  extends = \"ba|", "base.hcl", nil, []string{"main.hcl"}},
		"file":             {extending + "step \"dataset\" \"d\" {\n  data = file(\"ba|", "base.hcl", nil, nil},
		"file of a step":   {extending + "step \"dataset\" \"d\" {\n  data = \"|", "base.hcl", []string{"main.hcl"}, []string{"var.scale"}},
		"step":             {extending + "compare {\n  baseline = |", "step.corpus", []string{"step.mail"}, nil},
		"depends_on":       {extending + "step \"merge\" \"m\" {\n  depends_on = [|", "step.corpus", []string{"step.model"}, nil},
		"metric":           {extending + "expect {\n  fp|", "fp_count", []string{"fp_rate"}, nil},
		"target":           {extending + "compare {\n  target {\n    tp|", "tp_rate", nil, nil},
		"metric of a step": {extending + "step \"merge\" \"m\" {\n  assert {\n    condition = metric.f1|", "metric.f1_macro", nil, nil},
		"in an index":      {extending + "locals {\n  a = step.mail[var.sc|]\n}\n", "var.scale", nil, nil},
		"in interpolation": {extending + "step \"dataset\" \"d\" {\n  data = \"x/${var.sc|}\"\n}\n", "var.scale", nil, nil},
	} {
		p, offset := atCursor(t, c.text)
		var got []string
		for _, x := range p.Complete("main.hcl", p.Sources["main.hcl"].Bytes, offset).Items {
			got = append(got, x.Text)
		}
		if len(got) == 0 || got[0] != c.first {
			t.Errorf("%s: %v, want %q first", name, got, c.first)
		}
		for _, a := range c.also {
			if !slices.Contains(got, a) {
				t.Errorf("%s: %v has no %q", name, got, a)
			}
		}
		for _, n := range c.not {
			if slices.Contains(got, n) {
				t.Errorf("%s: %v has %q", name, got, n)
			}
		}
	}
}

func TestHover(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"variable":  {extending + "locals { n = var.sc|ale }\n", "**var.scale** number = `1`\n\nShare of everything.\n\nfrom default base.hcl:3, declared at base.hcl:2"},
		"local":     {extending + "step \"merge\" \"m\" { base = loc|al.rows }\n", "**local.rows** = `step.corpus.train`"},
		"port":      {extending + "step \"merge\" \"m\" { base = step.corpus.tr|ain }\n", "**train** (rows): Training rows."},
		"function":  {extending + "locals { n = le|ngth([]) }\n", "**length(value)**"},
		"argument":  {extending + "step \"train-gpu\" \"x\" {\n  epo|chs = 3\n}\n", "**epochs** number\n\nAt most so many passes. Default `10`."},
		"inner":     {extending + "step \"train-gpu\" \"x\" {\n  model {\n    ki|nd = \"ngram\"\n  }\n}\n", "**kind** string"},
		"metric":    {extending + "expect {\n  fp_r|ate = 1\n}\n", "**fp_rate** FP rate"},
		"block":     {extending + "exp|ect { fp_rate = 1 }\n", "**expect**"},
		"declared":  {extending + "variable \"new|er\" { default = 7 }\n", "**var.newer** number = `7`"},
		"set":       {extending + "set { sca|le = 4 }\n", "**var.scale** number = `4`\n\nShare of everything.\n\nfrom set main.hcl:2"},
		"label":     {extending + "step \"merge\" \"no|w\" { base = local.rows }\n", "**step.now** a merge step, main.hcl:2"},
		"value":     {extending + "step \"augment\" \"a\" {\n  rows = local.rows\n  si|ze = var.scale * 10\n}\n", "In main it is `10`."},
		"step type": {extending + "step \"mer|ge\" \"m\" { base = local.rows }\n", "Puts rows together."},
	} {
		p, offset := atCursor(t, c.text)
		h := p.Hover("main.hcl", offset)
		if h == nil || !strings.Contains(h.Text, c.want) {
			t.Errorf("%s: %+v, want %q", name, h, c.want)
		}
	}
	for _, text := range []string{extending + "# step \"|", extending + "step \"merge\" \"m\" { # |\n", extending + "/* |"} {
		p, offset := atCursor(t, text)
		if got := p.Complete("main.hcl", p.Sources["main.hcl"].Bytes, offset).Items; got != nil {
			t.Errorf("in a comment, %q: %v", text, got)
		}
	}
	for _, text := range []string{"step |", "step \"merge\" \"m\" {\n  base |\n}\n", "set {\n  scale |"} { // a name stands there: another one would be wrong
		p, offset := atCursor(t, extending+text)
		if got := p.Complete("main.hcl", p.Sources["main.hcl"].Bytes, offset).Items; len(got) > 0 {
			t.Errorf("behind a name, %q: %v", text, got)
		}
	}
	p, offset := atCursor(t, extending+"# no|thing\n")
	if h := p.Hover("main.hcl", offset); h != nil {
		t.Errorf("a comment has %+v", h)
	}
}

// TestEditorSurvivesAnyPlace asks at every byte of broken files.
func TestEditorSurvivesAnyPlace(t *testing.T) {
	for _, text := range []string{
		extending + "step \"train-gpu\" \"m\" {\n  rows = step.corpus.\n  model {\n kind = \"",
		"step \"merge\" {\n base = [step.,\n}}\n locals { a = \"${",
		"} } \"\n\x00 step \"x\" \"y\" = {",
	} {
		for i := range len(text) {
			o := testOptions(map[string]string{"main.hcl": text[:i], "base.hcl": "variable \"a\" { default = 1 }"})
			p, _ := load([]string{"main.hcl"}, o)
			p.Complete("main.hcl", []byte(text[:i]), i)
			p.Hover("main.hcl", i)
			x, err := NewIndex([]string{"main.hcl"}, o)
			if err != nil {
				t.Fatal(err)
			}
			x.Named("main.hcl", i)
			x.Definition("main.hcl", i)
		}
	}
}
