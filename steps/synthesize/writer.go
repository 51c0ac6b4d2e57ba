package synthesize

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"

	"golang.org/x/sync/errgroup"

	"rein/steps/artifact"
	"rein/steps/internal/leak"
	"rein/steps/internal/text"
)

// The kinds of benign look-alikes, and the families of attacks with their shares in percent.
var (
	strata   = []share{{"context manipulation", 43}, {"semantic jailbreak", 26}, {"obfuscated command", 19}, {"other", 12}}
	families = []share{{"jailbreak", 40}, {"toxicity", 28}, {"injection", 16}, {"pii", 8}, {"other", 8}}
)

type share struct {
	name    string
	percent int
}

// Shares of special attacks, in percent.
const (
	softAttacks      = 4 // worded like ordinary requests
	dualAttacks      = 4 // worded as benign prompts are, too
	quotedAttacks    = 5 // a quoted attack with a request to follow it
	disguisedAttacks = 6
	freshAttacks     = 12 // of kinds that training doesn't have; only among the rows reported on
)

// Shares of special look-alikes, in percent.
const (
	quotedLookalikes = 22 // a quoted attack with a harmless question about it
	dualLookalikes   = 12 // worded as attacks are, too
)

// familyOf is the family whose attacks the look-alikes of a stratum quote or share the words of.
var familyOf = map[string][]string{"context manipulation": {"injection"}, "semantic jailbreak": {"jailbreak"},
	"obfuscated command": {"other"}, "other": {"toxicity", "pii"}}

// General is the category of benign rows that are no look-alikes.
const General = "general"

// attempts is how often a row is written anew while its text is there already.
const attempts = 30

// writer makes rows; it remembers all texts, so that none is in two sets, and none of those reported on is nearly one
// of the others: a template filled in twice with the same words is no test of anything.
type writer struct {
	g       grammar
	seed    int64
	seen    map[[16]byte]bool
	known   *leak.Index // what is trained on, chosen with or mined
	repeats int
}

func newWriter(g grammar, seed int64) *writer {
	return &writer{g: g, seed: seed, seen: map[[16]byte]bool{}, known: leak.NewIndex(leak.DefaultNear)}
}

// plan is what one row is to be.
type plan struct {
	label, category, list string
	quote                 string // a list of attacks: one of them stands in the frame that list gives
	disguised             bool
}

// rows writes a set: plans first, texts on all cores, then, in order, those anew that are there already.
func (w *writer) rows(ctx context.Context, s set) ([]artifact.Row, error) {
	plans := w.plans(s)
	texts, keys := make([]string, len(plans)), make([][16]byte, len(plans))
	g, ctx := errgroup.WithContext(ctx)
	const block = 4096
	g.SetLimit(runtime.GOMAXPROCS(0))
	for from := 0; from < len(plans); from += block {
		g.Go(func() error {
			for i := from; i < min(from+block, len(plans)); i++ {
				texts[i] = w.text(s, plans[i], i, 0)
				keys[i] = text.Key(texts[i])
			}
			return ctx.Err()
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	rows := make([]artifact.Row, len(plans))
	prints := leak.Fingerprints(texts)
	resembles := make([]bool, len(plans))
	if s.reported() {
		resembles = w.known.KnowsAll(prints)
	}
	for i, p := range plans {
		for try := 1; w.seen[keys[i]] || resembles[i]; try++ {
			if try > attempts {
				w.repeats++
				break
			}
			texts[i] = w.text(s, p, i, try)
			keys[i] = text.Key(texts[i])
			prints[i] = leak.Fingerprints(texts[i : i+1])[0]
			resembles[i] = s.reported() && w.known.Knows(prints[i])
		}
		w.seen[keys[i]] = true
		if !s.reported() {
			w.known.Add(prints[i])
		}
		id := fmt.Sprintf("%s-%06d", s.port, i)
		rows[i] = artifact.Row{ID: id, Text: texts[i], Label: p.label, Category: p.category, Source: "built-in/" + p.list, Root: id}
	}
	return rows, nil
}

// plans decides the rows' kinds, in exact shares, in a mixed order.
func (w *writer) plans(s set) []plan {
	prefix := ""
	if s.unseen {
		prefix = "unseen/"
	}
	lookalikes := int(float64(s.benign)*s.lookalikes + 0.5)
	plans := make([]plan, 0, s.benign+s.malicious)
	for range s.benign - lookalikes {
		plans = append(plans, plan{label: artifact.Benign, category: General, list: prefix + "general"})
	}
	rng := text.RNG(w.seed, "plans", s.port)
	for i := range lookalikes {
		plans = append(plans, s.lookalike(pick(strata, i, lookalikes), prefix, rng))
	}
	for i := range s.malicious {
		family := pick(families, i, s.malicious)
		p := plan{label: artifact.Malicious, category: family, list: prefix + "attack/" + family}
		switch k := rng.IntN(100); {
		case k < disguisedAttacks:
			p.disguised = true
		case s.unseen:
		case k < disguisedAttacks+softAttacks:
			p.list = "soft/" + family
		case k < disguisedAttacks+softAttacks+dualAttacks:
			p.list = "dual/" + family
		case k < disguisedAttacks+softAttacks+dualAttacks+quotedAttacks:
			p.list, p.quote = "quote/malicious", p.list
		case s.reported() && k >= 100-freshAttacks:
			p.list = "fresh/" + family
		}
		plans = append(plans, p)
	}
	rng.Shuffle(len(plans), func(i, j int) { plans[i], plans[j] = plans[j], plans[i] })
	return plans
}

// lookalike plans a benign row of a stratum that resembles an attack.
func (s set) lookalike(stratum, prefix string, rng *rand.Rand) plan {
	p := plan{label: artifact.Benign, category: stratum, list: prefix + "lookalike/" + stratum}
	families := familyOf[stratum]
	family := families[rng.IntN(len(families))]
	k := rng.IntN(100)
	switch {
	case s.unseen:
	case k < dualLookalikes:
		p.list = "dual/" + family
	case k < dualLookalikes+quotedLookalikes && !s.known:
		p.list, p.quote = "quote/benign", "attack/"+family
	case s.known:
		p.list = "known/" + stratum
	}
	return p
}

// pick divides n positions among the shares.
func pick(shares []share, i, n int) string {
	at, sum := (2*i+1)*100, 0
	for _, s := range shares {
		if sum += s.percent; at < 2*n*sum {
			return s.name
		}
	}
	return shares[len(shares)-1].name
}

// text writes one row's text.
func (w *writer) text(s set, p plan, i, try int) string {
	rng := text.RNG(w.seed, s.port, fmt.Sprint(i), fmt.Sprint(try))
	var b strings.Builder
	w.g[p.list].write(&b, rng)
	out := b.String()
	if p.quote != "" {
		var attack strings.Builder
		w.g[p.quote].write(&attack, rng)
		out = strings.Replace(out, "%s", attack.String(), 1)
	}
	if p.disguised {
		out = disguise(out, rng)
	}
	return finish(noise(out, w.g, rng), rng)
}

// finish mends what slots leave behind: a lower-case beginning now and then stays, as people write.
func finish(s string, rng *rand.Rand) string {
	s = strings.TrimSpace(s)
	if s != "" && rng.IntN(4) > 0 && s[0] >= 'a' && s[0] <= 'z' {
		s = string(s[0]-'a'+'A') + s[1:]
	}
	return s
}
