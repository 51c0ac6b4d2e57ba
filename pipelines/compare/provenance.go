package compare

import (
	"encoding/json"
	"maps"
	"slices"
	"time"
)

// Provenance says where one column's figures come from.
type Provenance struct {
	Name, File string
	Steps      []Origin
}

// Origin is a step's result: the ActionID, and the digest of the content.
type Origin struct {
	Name, Type, Status, Made, Host, Device, Action string
	Outputs                                        []string
}

// Provenance lists every step behind the comparison.
func (r *Result) Provenance() []Provenance {
	var out []Provenance
	for _, s := range r.Strategies {
		p := Provenance{Name: s.Name, File: s.File}
		for _, st := range r.detail[s.Name].steps {
			o := Origin{Name: st.Name, Type: st.Type, Status: st.Status, Device: st.Result.Device, Action: st.ActionID}
			if !st.Result.Made.IsZero() {
				o.Made, o.Host = st.Result.Made.UTC().Format(time.DateTime), st.Result.Host
			}
			for _, port := range slices.Sorted(maps.Keys(st.Outputs)) {
				o.Outputs = append(o.Outputs, port+" "+st.Outputs[port].Digest.Short())
			}
			p.Steps = append(p.Steps, o)
		}
		out = append(out, p)
	}
	return out
}

// Data is the file that the strategies were made of; builtIn tells that it was the corpus that ships, and neither that the files alone
// say it.
func (r *Result) Data() (file string, builtIn bool) {
	for _, s := range r.Strategies {
		var train string
		if v, ok := r.detail[s.Name].meta.Variables["train"]; ok && json.Unmarshal(v.Value, &train) == nil && train != "" {
			return train, false
		} else if ok {
			return "", true
		}
	}
	return "", false
}
