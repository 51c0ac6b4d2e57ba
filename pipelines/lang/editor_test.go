package lang

import (
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
)

// atCursor loads a text with a | in it, and tells where that was.
func atCursor(t *testing.T, text string) (*Program, int) {
	t.Helper()
	before, after, ok := strings.Cut(text, "|")
	if !ok {
		t.Fatal("no cursor in the text")
	}
	p, _ := loadWith(t, before+after)
	return p, len(before)
}

// loadWith loads a text and a base that it may extend.
func loadWith(t *testing.T, text string) (*Program, hcl.Diagnostics) {
	t.Helper()
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
	return Load([]string{"main.hcl"}, testOptions(map[string]string{"main.hcl": text, "base.hcl": base}))
}

const extending = "pipeline \"p\" { extends = \"base.hcl\" }\n"

func TestComplete(t *testing.T) {
	for name, c := range map[string]struct {
		text  string
		first string // the best candidate
		also  []string
		not   []string
	}{
		"block":                       {extending + "ste|", "step", nil, []string{"pipeline"}},
		"all blocks":                  {extending + "|", "cache", []string{"step", "variable", "set"}, nil},
		"step type":                   {extending + "step \"tr|", "train-gpu", nil, []string{"augment"}},
		"step name":                   {extending + "step \"train-gpu\" \"|", "model", nil, []string{"corpus"}},
		"argument":                    {extending + "step \"augment\" \"a\" {\n  va|\n}\n", "variations", nil, nil},
		"required first":              {extending + "step \"sample\" \"a\" {\n  |\n}\n", "rows", []string{"size", "when", "resources"}, nil},
		"in a block":                  {extending + "step \"train-gpu\" \"a\" {\n  model {\n    |\n  }\n}\n", "buckets", []string{"kind"}, []string{"rows"}},
		"set":                         {extending + "set {\n  |\n}\n", "scale", nil, []string{"step"}},
		"variable":                    {extending + "step \"sample\" \"s\" {\n  size = var.|\n}\n", "var.scale", nil, []string{"local.rows"}},
		"port by kind":                {extending + "step \"evaluate\" \"e\" {\n  model = |\n}\n", "step.model.model", []string{"step.corpus.train", "local.rows", "concat"}, nil},
		"within a list":               {extending + "step \"merge\" \"m\" {\n  base = local.rows\n  add  = [step.mail|]\n}\n", `step.mail["a"].rows`, []string{`step.mail["b"].rows`}, nil},
		"enum":                        {extending + "step \"split\" \"s\" {\n  by = |\n}\n", `"root"`, []string{`"row"`, `"source"`}, nil},
		"enum in quotes":              {extending + "step \"split\" \"s\" {\n  by = \"so|\n}\n", "source", nil, []string{"sort"}},
		"enum of a block":             {extending + "step \"train-gpu\" \"a\" {\n  model {\n    kind = |", `"encoder"`, []string{`"ngram"`}, nil},
		"bool":                        {extending + "step \"augment\" \"a\" {\n  when = t|\n}\n", "true", []string{"trim"}, nil},
		"function":                    {extending + "locals {\n  a = regexr|\n}\n", "regexreplace", nil, nil},
		"after a comment":             {extending + "# step \"\n|", "cache", nil, nil},
		"extends":                     {"pipeline \"p\" { extends = \"base.hcl\" }\npipeline \"q\" {\n  extends = \"ba|", "base.hcl", nil, []string{"main.hcl"}},
		"file":                        {extending + "step \"dataset\" \"d\" {\n  data = file(\"ba|", "base.hcl", nil, nil},
		"file of a step":              {extending + "step \"dataset\" \"d\" {\n  data = \"|", "base.hcl", []string{"main.hcl"}, []string{"var.scale"}},
		"step":                        {extending + "compare {\n  baseline = |", "step.corpus", []string{"step.mail"}, nil},
		"depends_on":                  {extending + "step \"merge\" \"m\" {\n  depends_on = [|", "step.corpus", []string{"step.model"}, nil},
		"metric":                      {extending + "expect {\n  fp|", "fp_count", []string{"fp_rate"}, nil},
		"target":                      {extending + "compare {\n  target {\n    tp|", "tp_rate", nil, nil},
		"metric of a step":            {extending + "step \"merge\" \"m\" {\n  assert {\n    condition = metric.f1|", "metric.f1_macro", nil, nil},
		"in an index":                 {extending + "locals {\n  a = step.mail[var.sc|]\n}\n", "var.scale", nil, nil},
		"in interpolation":            {extending + "step \"dataset\" \"d\" {\n  data = \"x/${var.sc|}\"\n}\n", "var.scale", nil, nil},
		"a key of an expectation":     {extending + "expect {\n  fp_rate = { | }\n}\n", "at_least", []string{"at_most", "binding", "by", "not_above"}, []string{"var.scale", "abs", "step.corpus"}},
		"a key behind another":        {extending + "expect {\n  fp_rate = { at_most = 0.1, b| }\n}\n", "binding", []string{"by"}, []string{"abs"}},
		"a key on its own line":       {extending + "compare {\n  target = {\n    fp_rate = {\n      at_most = 0.1\n      bi|\n", "binding", nil, nil},
		"a metric without slices":     {extending + "expect {\n  f1 = { | }\n}\n", "at_least", nil, []string{"by"}},
		"a number of an expectation":  {extending + "expect {\n  fp_rate = { at_most = | }\n}\n", "var.scale", []string{"local.rows", "max"}, []string{"upper", "concat", "step.corpus", "step.corpus.train", "file", "true", "each.key"}},
		"a number of a target":        {extending + "compare {\n  target {\n    fp_rate = {\n      at_most = |", "var.scale", []string{"max"}, []string{"upper", "step.corpus"}},
		"a number of target =":        {extending + "compare {\n  target = {\n    fp_rate = { at_most = |", "var.scale", []string{"max"}, []string{"upper", "step.corpus"}},
		"a number alone":              {extending + "expect {\n  fp_rate = |\n}\n", "var.scale", []string{"min", "parseint"}, []string{"upper", "step.corpus"}},
		"metrics of target =":         {extending + "compare {\n  target = {\n    fp_r|", "fp_rate", nil, []string{"formatlist"}},
		"binding":                     {extending + "expect {\n  fp_rate = { at_most = 0.1, binding = | }\n}\n", "false", []string{"true", "var.scale", "contains"}, []string{"step.corpus"}},
		"not_above":                   {extending + "expect {\n  fp_rate = { not_above = | }\n}\n", `"last approved"`, nil, []string{"abs"}},
		"by":                          {extending + "expect {\n  fp_rate = { at_most = 0.1, by = | }\n}\n", `"category"`, []string{`"language"`}, []string{"step.corpus"}},
		"by in a list in quotes":      {extending + "expect {\n  fp_rate = { at_most = 0.1, by = [\"length\", \"la|", "language", nil, []string{"length"}},
		"when of expect":              {extending + "expect {\n  when = |", "false", []string{"true"}, []string{"step.corpus"}},
		"a planning fact":             {extending + "plan {\n  gpu_hours = |", "local.rows", []string{"var.scale", "upper"}, []string{"step.corpus", "file"}},
		"a number of a step":          {extending + "step \"sample\" \"s\" {\n  size = |", "var.scale", []string{"length", "each.key"}, []string{"upper", "step.corpus", "step.corpus.train", "file"}},
		"behind arithmetic":           {extending + "step \"sample\" \"s\" {\n  size = 2 * |", "var.scale", []string{"length"}, []string{"upper"}},
		"behind a comparison":         {extending + "step \"merge\" \"m\" {\n  when = var.scale == |", "each.key", []string{"upper", "length"}, []string{"step.corpus", "true"}},
		"a branch":                    {extending + "expect {\n  fp_rate = var.scale > 1 ? 0.1 : |", "var.scale", []string{"max"}, []string{"upper"}},
		"an argument of a function":   {extending + "locals {\n  a = upper(|", "local.a", []string{"lower"}, []string{"step.corpus", "max"}},
		"a set number":                {extending + "set {\n  scale = |", "var.scale", []string{"max"}, []string{"upper", "step.corpus", "local.rows"}},
		"an object of a variable":     {extending + "variable \"o\" {\n  type = object({ depth = number, name = string })\n  default = { depth = 1, name = \"\" }\n}\nset {\n  o = { d| }\n}\n", "depth", nil, []string{"distinct"}},
		"an entry of a variable":      {extending + "variable \"o\" {\n  type = list(object({ depth = number }))\n  default = []\n}\nset {\n  o = [{ depth = | }]\n}\n", "var.scale", nil, []string{"upper"}},
		"a default":                   {extending + "variable \"o\" {\n  type = bool\n  default = |\n}\n", "false", []string{"true"}, []string{"local.rows", "step.corpus"}},
		"a type":                      {extending + "variable \"o\" {\n  type = |\n}\n", "any", []string{"number", "list"}, []string{"var.scale", "upper"}},
		"a type in a type":            {extending + "variable \"o\" {\n  type = list(|", "any", []string{"number", "list"}, []string{"var.scale", "upper"}},
		"a description":               {extending + "variable \"o\" {\n  description = u|\n}\n", "", nil, nil},
		"an executor":                 {"executor \"slurm\" \"big\" {}\nstep \"merge\" \"m\" {\n  executor = |", `"big"`, []string{`"local"`}, nil},
		"a choice of an executor":     {"executor \"slurm\" \"big\" {\n  files = |", `"cache"`, []string{`"shared"`}, []string{"var.scale"}},
		"a sweep":                     {extending + "sweep {\n  |", "design", []string{"scale"}, []string{"step"}},
		"a design":                    {extending + "sweep {\n  design = |", `"fractional"`, []string{`"full"`, `"race"`}, []string{"step.corpus"}},
		"swept":                       {extending + "sweep {\n  scale = [|", "var.scale", nil, []string{"upper", "step.corpus"}},
		"an output":                   {extending + "output \"o\" {\n  value = |", "step.corpus.pool", []string{"step.model.model"}, nil},
		"each in a block of a step":   {extending + "step \"train-gpu\" \"a\" {\n  model {\n    buckets = e|", "each.key", nil, nil},
		"a number in a block":         {extending + "step \"train-gpu\" \"a\" {\n  model {\n    buckets = |", "var.scale", nil, []string{"upper"}},
		"behind a number":             {extending + "expect {\n  fp_rate = { at_most = 0.| }\n}\n", "", nil, nil},
		"behind a value":              {extending + "expect {\n  fp_rate = { at_most = 0.1 | }\n}\n", "", nil, nil},
		"behind a key":                {extending + "expect {\n  fp_rate = { at_most | }\n}\n", "", nil, nil},
		"in a heredoc":                {extending + "step \"dataset\" \"d\" {\n  data = <<EOT\nvar|", "", nil, nil},
		"the place of a for":          {extending + "locals {\n  a = [for x in |", "local.a", []string{"var.scale", "step.corpus", "concat"}, nil},
		"an entry of a for":           {extending + "locals {\n  a = { for k, v in {} : k => |", "local.a", []string{"var.scale"}, nil},
		"a condition of a validation": {extending + "variable \"o\" {\n  default = 1\n  validation {\n    condition = |", "false", []string{"var.o", "contains"}, []string{"local.rows", "step.corpus"}},
	} {
		p, offset := atCursor(t, c.text)
		var got []string
		for _, x := range p.Complete("main.hcl", p.Sources["main.hcl"].Bytes, offset).Items {
			got = append(got, x.Text)
		}
		if strings.Join(got[:min(1, len(got))], "") != c.first {
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

// TestWhatIsOfferedIsTaken writes each reference that is offered in a place there: the language has to let it stand.
func TestWhatIsOfferedIsTaken(t *testing.T) {
	for _, place := range []string{
		"expect {\n  when = |\n}\n", "expect {\n  fp_rate = |\n}\n", "expect {\n  fp_rate = { at_most = | }\n}\n", "plan {\n  hours = |\n}\n",
		"compare {\n  baseline = |\n}\n", "compare {\n  target {\n    fp_rate = |\n  }\n}\n", "compare {\n  target = {\n    fp_rate = |\n  }\n}\n",
		"set {\n  scale = |\n}\n", "sweep {\n  scale = [|]\n}\n", "locals {\n  a = |\n}\n", "locals {\n  a = upper(|)\n}\n",
		"output \"o\" {\n  value = |\n  path = \"x\"\n}\n", "output \"o\" {\n  value = step.corpus.train\n  path = |\n}\n",
		"variable \"n\" {\n  default = |\n}\n", "variable \"n\" {\n  type = |\n}\n", "variable \"n\" {\n  description = |\n}\n", "variable \"n\" {\n  sensitive = |\n}\n",
		"variable \"n\" {\n  default = 1\n  validation {\n    condition = |\n    error_message = \"\"\n  }\n}\n",
		"step \"sample\" \"s\" {\n  rows = local.rows\n  size = |\n}\n", "step \"sample\" \"s\" {\n  rows = |\n  size = 1\n}\n", "step \"merge\" \"m\" {\n  disabled = |\n}\n",
		"step \"dataset\" \"d\" {\n  for_each = |\n  data = \"x\"\n}\n", "step \"dataset\" \"d\" {\n  depends_on = [|]\n  data = \"x\"\n}\n",
		"step \"dataset\" \"d\" {\n  for_each = [\"a\"]\n  when = |\n  data = \"x\"\n}\n", "step \"dataset\" \"d\" {\n  executor = |\n  data = \"x\"\n}\n",
		"step \"merge\" \"m\" {\n  base = local.rows\n  assert {\n    condition = |\n    error_message = \"\"\n  }\n}\n",
		"executor \"slurm\" \"x\" {\n  files = |\n}\n", "cache {\n  mode = |\n  remote = \"s3://b\"\n}\n",
	} {
		p, offset := atCursor(t, extending+place)
		for _, x := range p.Complete("main.hcl", p.Sources["main.hcl"].Bytes, offset).Items {
			if x.Kind == "function" || strings.HasPrefix(x.Text, "each.") && !strings.Contains(place, "for_each") {
				continue
			}
			_, diags := loadWith(t, strings.Replace(extending+place, "|", x.Text, 1))
			for _, d := range diags {
				if d.Summary == "Not possible here" || d.Summary == "Not a constant" || d.Summary == "Unknown name" {
					t.Errorf("%q: %s is offered, and then: %s", place, x.Text, d.Detail)
				}
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
		"a = { b = [c(",
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
