package engine

import (
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
)

// Change is one difference between two keys.
type Change struct {
	// What is "config variations", "input rows", "library gomlx", "step version", "key format".
	What string `json:"what"`
	// Old and New are values as written in the key; empty if the fact is new or gone.
	Old string `json:"old,omitempty"`
	New string `json:"new,omitempty"`
	// From is where a changed input comes from: "step.sampled.rows" or the path as written.
	From string `json:"from,omitempty"`
}

// String is the change as one phrase: `variations 8 -> 10`.
func (c Change) String() string {
	what := strings.TrimPrefix(c.What, "config ")
	if c.From != "" {
		what += " (" + c.From + ")"
	}
	switch {
	case c.Old == "":
		return "new: " + what + " " + c.New
	case c.New == "":
		return "gone: " + what + " " + c.Old
	}
	return what + " " + c.Old + " -> " + c.New
}

// Brief is String for use in a list: without the hashes of inputs, and with long values shortened.
func (c Change) Brief() string {
	if !strings.HasPrefix(c.What, "input ") {
		c.Old, c.New = cut(c.Old, c.New)
		return c.String()
	}
	what := c.What
	if c.From != "" {
		what, _, _ = strings.Cut(what, " #")
		what += " (" + c.From + ")"
	}
	switch {
	case c.Old == "":
		return "new: " + what
	case c.New == "":
		return "gone: " + what
	}
	return what + " changed"
}

// cut shortens two long values to the parts that differ.
func cut(old, now string) (string, string) {
	const most, before = 60, 10
	a, b := []rune(old), []rune(now)
	if len(a) <= most && len(b) <= most {
		return old, now
	}
	same := 0
	for same < min(len(a), len(b)) && a[same] == b[same] {
		same++
	}
	short := func(r []rune) string {
		lead, tail := "", ""
		if from := min(same-before, len(r)); from > 0 {
			r, lead = r[from:], "..."
		}
		if len(r) > most {
			r, tail = r[:most], "..."
		}
		return lead + string(r) + tail
	}
	return short(a), short(b)
}

// diffKeys lists what differs between two keys, in the order of the new one.
func diffKeys(old, now string) []Change {
	if old == now {
		return nil
	}
	of, nf := slices.Collect(ParseKey(old)), slices.Collect(ParseKey(now))
	ofs := plainFacts(of)
	var out []Change
	seen := map[string]bool{}
	for _, f := range nf {
		if f.Kind == "input" {
			continue
		}
		id := f.Kind + " " + f.Label
		seen[id] = true
		if was, ok := ofs[id]; !ok || was != f.Value {
			out = append(out, plainChange(f, was, f.Value))
		}
	}
	for _, f := range of {
		if f.Kind != "input" && !seen[f.Kind+" "+f.Label] {
			out = append(out, plainChange(f, f.Value, ""))
		}
	}
	return append(out, diffInputs(of, nf)...)
}

func plainFacts(fs []Fact) map[string]string {
	m := make(map[string]string, len(fs))
	for _, f := range fs {
		if f.Kind != "input" {
			m[f.Kind+" "+f.Label] = f.Value
		}
	}
	return m
}

func plainChange(f Fact, old, now string) Change {
	c := Change{What: f.Kind + " " + f.Label, Old: old, New: now}
	switch f.Kind {
	case "rein":
		c.What = "key format"
	case "type":
		c.What = "step version"
		c.Old, c.New = lastWord(old), lastWord(now)
	case "fingerprint":
		c.What = "library " + f.Label
	}
	return c
}

func lastWord(s string) string { return s[strings.LastIndexByte(s, ' ')+1:] }

func inputFacts(fs []Fact) map[string][]inputFact {
	m := map[string][]inputFact{}
	for _, f := range fs {
		if f.Kind == "input" {
			in := f.input()
			m[in.port] = append(m[in.port], in)
		}
	}
	return m
}

// diffInputs compares the files of a port by name if all have one, otherwise by position.
func diffInputs(old, now []Fact) []Change {
	of, nf := inputFacts(old), inputFacts(now)
	ports := map[string]bool{}
	for p := range of {
		ports[p] = true
	}
	for p := range nf {
		ports[p] = true
	}
	var out []Change
	for _, p := range slices.Sorted(maps.Keys(ports)) {
		a, b := named(of[p]), named(nf[p])
		ids := map[string]bool{}
		for id := range a {
			ids[id] = true
		}
		for id := range b {
			ids[id] = true
		}
		for _, id := range slices.Sorted(maps.Keys(ids)) {
			x, inOld := a[id]
			y, inNew := b[id]
			if inOld && inNew && x.digest == y.digest && x.kind == y.kind {
				continue
			}
			c := Change{What: "input " + p}
			if len(ids) > 1 {
				c.What += " " + id
			}
			if inOld {
				c.Old = x.shown()
			}
			if inNew {
				c.New = y.shown()
			}
			out = append(out, c)
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].What < out[j].What })
	return out
}

func named(fs []inputFact) map[string]inputFact {
	m := map[string]inputFact{}
	for i, f := range fs {
		id := f.name
		if _, twice := m[id]; id == "" || twice {
			id = fmt.Sprintf("#%d", i+1)
		}
		m[id] = f
	}
	return m
}

func (f inputFact) shown() string {
	return fmt.Sprintf("%.12s (%s, %s bytes)", f.digest, f.kind, f.size)
}

// keyLines is a key for people: its lines, without the format.
func keyLines(key string) []string {
	var out []string
	for f := range ParseKey(key) {
		if f.Kind != "rein" {
			out = append(out, f.String())
		}
	}
	return out
}
