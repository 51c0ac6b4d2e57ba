package lang

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// TestReferringInputsAreAsAnyOthers loads inputs that are computed one by one, and the same ones with quoted names, which aren't. One by one
// may report more mistakes at once.
func TestReferringInputsAreAsAnyOthers(t *testing.T) {
	load := func(inputs string) (refs, messages []string) {
		p, diags := load([]string{"main.hcl"}, testOptions(map[string]string{"main.hcl": `
variable "none" { default = null }
variable "text" { default = "in.txt" }
variable "secret" {
  default   = "a"
  sensitive = true
}
locals { products = [step.one.out, file("a.txt")] }
step "exec" "one" {
  command = ["true"]
  outputs = ["out"]
}
step "exec" "off" {
  when    = false
  command = ["true"]
  outputs = ["out"]
}
step "exec" "many" {
  for_each = ["k"]
  command  = ["true"]
  outputs  = ["out"]
}
step "exec" "user" {
  command = ["true"]
  inputs  = {` + inputs + `}
}
`}))
		for _, d := range diags {
			messages = append(messages, d.Summary+": "+d.Detail)
		}
		slices.Sort(messages)
		for _, n := range p.Graph.Pipelines[0].Nodes {
			for _, in := range n.Inputs {
				refs = append(refs, fmt.Sprint(n.Name, in.Port, refsTo(n, in.Port)))
			}
		}
		return refs, messages
	}
	values := []string{"step.one.out", "step.one.nothing", "step.nothing.out", "step.off.out", "step.many[\"k\"].out", "step.many.out", "step.many[\"l\"].out",
		"step.one", "step", "var.none", "var.text", "var.secret", "var.unknown", "local.products", "local.products[0]", "local.products[7]", "each.key", "step.user.out",
		"metric.a", "unknown"}
	for _, a := range values {
		for _, b := range values {
			refs, messages := load("\n a = " + a + "\n b = " + b + "\n")
			wantRefs, want := load("\n \"a\" = " + a + "\n \"b\" = " + b + "\n")
			lacks := slices.ContainsFunc(want, func(m string) bool { return !slices.Contains(messages, m) })
			if !reflect.DeepEqual(refs, wantRefs) || lacks || (len(messages) > 0) != (len(want) > 0) {
				t.Errorf("{ a = %s, b = %s }: %v\n%s\nwant %v\n%s", a, b, refs, strings.Join(messages, "\n"), wantRefs, strings.Join(want, "\n"))
			}
		}
	}
}
