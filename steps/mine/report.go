package mine

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"

	"rein/steps/stats"
)

// Report is the step's report.
type Report struct {
	Threshold  float64             `json:"threshold"`       // threshold at which rows were mined
	Own        float64             `json:"model_threshold"` // the model's own threshold
	FoundAtOwn int                 `json:"false_positives_at_model_threshold"`
	RateAtOwn  stats.Interval      `json:"fp_rate_at_model_threshold"`
	Rows       int                 `json:"rows"` // number of benign rows
	Malicious  int                 `json:"malicious_passed_over"`
	Found      int                 `json:"false_positives"`
	Near       int                 `json:"near_misses"` // number of benign rows under the threshold, within the margin
	Reserve    int                 `json:"reserve"`
	Rate       stats.Interval      `json:"fp_rate"`
	Strata     map[string]*Stratum `json:"strata"`   // by category
	Families   map[string]int      `json:"families"` // number of false positives, by the attack family that the model took them for
	Cut        stats.Cut           `json:"cut"`      // benign rows of the pool that the model doesn't read whole

	Questions map[string]*Question `json:"questions,omitempty"` // questions of the malicious validation rows, if their categories show them
}

// Stratum counts what was found among the rows of one category.
type Stratum struct {
	Rows  int            `json:"rows"`
	Found int            `json:"false_positives"`
	Near  int            `json:"near_misses"`
	Rate  stats.Interval `json:"fp_rate"`
}

// fewFound is the number of false positives below which there is little to learn from.
const fewFound = 100

// help returns advice on how to find more false positives if there are few.
func (m *miner) help() string {
	if m.Found >= fewFound {
		return ""
	}
	return "; a larger pool gives more, and an encoder tells more of the rows apart"
}

// report writes the report and records its figures.
func (m *miner) report(path string, reserve int) error {
	if m.Rows == 0 {
		return fmt.Errorf("the pool has no benign rows (%d malicious ones): nothing to mine", m.Malicious)
	}
	m.Rate = stats.Wilson(m.Found, m.Rows)
	m.env.Metric("pool_rows", float64(m.Rows))
	m.env.Metric("pool_fp_count", float64(m.Found))
	m.env.Metric("pool_fp_rate", m.Rate.Value)
	m.env.Metric("pool_fp_rate_low", m.Rate.Low)
	m.env.Metric("pool_fp_rate_high", m.Rate.High)
	m.RateAtOwn = stats.Wilson(m.FoundAtOwn, m.Rows)
	m.env.Metric("pool_fp_count_own", float64(m.FoundAtOwn))
	m.env.Metric("pool_fp_rate_own", m.RateAtOwn.Value)
	m.env.Metric("mining_threshold", m.Threshold)
	if m.Threshold < m.Own {
		m.env.Notef("at its own threshold, %.4g, the model flags %d of %d benign rows (%.2f%%); they are mined at %.4g, where it flags %d (%.2f%%)%s",
			m.Own, m.FoundAtOwn, m.Rows, 100*m.RateAtOwn.Value, m.Threshold, m.Found, 100*m.Rate.Value, m.help())
	}
	if mixed := m.mixed(); mixed != "" {
		m.env.Notef("%s", mixed)
	}
	m.Report.Reserve = reserve
	if m.margin > 0 {
		m.env.Metric("pool_near_misses", float64(m.Near))
	}
	if m.Cut.Rows > 0 {
		m.env.Notef("the pool: %v", m.Cut)
	}
	if m.Malicious > 0 {
		m.env.Notef("%d malicious rows of the pool were passed over", m.Malicious)
	}
	if m.Found+m.Near == 0 {
		none := fmt.Sprintf("the model calls none of the %d benign rows malicious at its threshold %.4g", m.Rows, m.Threshold)
		if reserve == 0 {
			return fmt.Errorf("%s: there is nothing to reinforce it with; give a larger pool, a reserve of near misses, or a threshold rule that flags more", none)
		}
		m.env.Notef("%s; the %d with the highest scores are its near misses", none, reserve)
	}
	for _, name := range slices.Sorted(maps.Keys(m.Strata)) {
		s := m.Strata[name]
		s.Rate = stats.Wilson(s.Found, s.Rows)
		m.env.Logf("%s: %d of %d rows are false positives (%.2f%%, 95%% interval %.2f-%.2f)", cmp.Or(name, "(no category)"), s.Found, s.Rows,
			100*s.Rate.Value, 100*s.Rate.Low, 100*s.Rate.High)
	}
	for _, f := range slices.Sorted(maps.Keys(m.Families)) {
		m.env.Logf("taken for %s: %d", f, m.Families[f])
	}
	b, err := json.MarshalIndent(m.Report, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(b, '\n'), 0o644)
}
