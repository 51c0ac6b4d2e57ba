package main

import "testing"

// A hint has the flags of the command before it, as a shell takes them.
func TestFlagsAreRetyped(t *testing.T) {
	for want, command := range map[string][]string{
		"":                                   {"rein", "run", "--jobs", "2", "a.hcl"},
		" --var n=1 --state=x":               {"rein", "run", "--var", "n=1", "a.hcl", "--state=x"},
		` --var-file 'my vars.hcl'`:          {"rein", "run", "--var-file", "my vars.hcl"},
		` --var 'columns={label="flag"}'`:    {"rein", "run", "--var", `columns={label="flag"}`},
		` '--var=title=the user'\''s words'`: {"rein", "run", "--var=title=the user's words"},
		" --var ''":                          {"rein", "run", "--var", ""},
	} {
		if got := retyped(command); got != want {
			t.Errorf("%q: %q, want %q", command, got, want)
		}
	}
}
