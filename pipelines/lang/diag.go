package lang

import (
	"strconv"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// quoteKey writes a key as an object constructor takes it.
func quoteKey(k string) string {
	if hclsyntax.ValidIdentifier(k) {
		return k
	}
	return strconv.Quote(k)
}

// explain makes the evaluator's messages ours where they can be better.
func explain(diags hcl.Diagnostics) hcl.Diagnostics { return diags }

// tidy drops repetitions: files that several pipelines extend are evaluated with each.
func tidy(diags hcl.Diagnostics) hcl.Diagnostics {
	type key struct {
		at, summary, detail string
	}
	seen := map[key]bool{}
	var out hcl.Diagnostics
	for _, d := range diags {
		k := key{summary: d.Summary, detail: d.Detail}
		if d.Subject != nil {
			k.at = d.Subject.String()
		}
		if !seen[k] {
			seen[k] = true
			out = append(out, d)
		}
	}
	return out
}
