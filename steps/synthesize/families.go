package synthesize

import (
	"maps"
	"slices"
	"strings"

	"rein/steps/artifact"
)

// family is a generator of rows, and appears as one source. No other family uses its lists. The grammar has NAME/general for its ordinary
// rows, NAME/lookalike/STRATUM for benign rows that resemble attacks, and NAME/attack/CATEGORY for attacks.
type family struct {
	name  string
	role  role
	share int // weight of the family among those with the same role
	voice voice
	said  string // Role field of the rows; "" means the user

	strata, attacks []share // those that the grammar has lists for
}

// role says which sets a family's rows go to. A family has one role.
type role uint8

const (
	training role = iota // train
	choosing             // validation
	own                  // pool and test: a user's own traffic
	reported             // unseen: new sources
)

// voice is the style in which a family's rows are written.
type voice uint8

const (
	chat    voice = iota // prompts in English, with greetings, slips, and quoted and disguised attacks
	foreign              // prompts in another language
	machine              // texts of programs: commands, logs, JSON, code, mails, tool results
)

var families = []family{
	{name: "roleplay", role: training, share: 10},
	{name: "support", role: training, share: 10},
	{name: "shopping", role: training, share: 10},
	{name: "careers", role: training, share: 10},
	{name: "news", role: training, share: 10},
	{name: "health", role: training, share: 10},
	{name: "sports", role: training, share: 10},
	{name: "shell", role: training, share: 8, voice: machine, said: artifact.RoleTool},
	{name: "mails", role: training, share: 8, voice: machine, said: artifact.RoleDocument},
	{name: "json", role: training, share: 8, voice: machine, said: artifact.RoleTool},
	{name: "german", role: training, share: 4, voice: foreign},
	{name: "spanish", role: training, share: 4, voice: foreign},

	{name: "writing", role: own, share: 20},
	{name: "study", role: own, share: 20},
	{name: "household", role: own, share: 20},
	{name: "coding", role: own, share: 20},
	{name: "travel", role: own, share: 20},
	{name: "office", role: own, share: 20},
	{name: "logs", role: own, share: 12, voice: machine, said: artifact.RoleTool},
	{name: "french", role: own, share: 3, voice: foreign},

	{name: "finance", role: choosing, share: 1},
	{name: "law", role: choosing, share: 1},
	{name: "garden", role: choosing, share: 1},
	{name: "stage", role: choosing, share: 1},
	{name: "traces", role: choosing, share: 1, voice: machine, said: artifact.RoleTool},
	{name: "config", role: choosing, share: 1, voice: machine, said: artifact.RoleDocument},
	{name: "changes", role: choosing, share: 1, voice: machine, said: artifact.RoleDocument},
	{name: "italian", role: choosing, share: 1, voice: foreign},
	{name: "dutch", role: choosing, share: 1, voice: foreign},

	{name: "neighbourhood", role: reported, share: 1},
	{name: "parenting", role: reported, share: 1},
	{name: "lab", role: reported, share: 1},
	{name: "toolresults", role: reported, share: 1, voice: machine, said: artifact.RoleTool},
	{name: "source", role: reported, share: 1, voice: machine, said: artifact.RoleDocument},
	{name: "portuguese", role: reported, share: 1, voice: foreign},
	{name: "polish", role: reported, share: 1, voice: foreign},
	{name: "russian", role: reported, share: 1, voice: foreign},
}

// The shares, in percent, of the kinds of look-alikes and of the categories of attacks. Only the kinds that a family has count.
var (
	strata     = map[string]int{"context manipulation": 43, "semantic jailbreak": 26, "obfuscated command": 19, "other": 12}
	categories = map[string]int{"jailbreak": 40, "toxicity": 28, "injection": 16, "pii": 8, "other": 8, "indirect": 40}
)

// share is a name with its weight among other names.
type share struct {
	name string
	part int
}

// of returns the families with a role. It fills in the strata and attacks that the grammar has for them.
func (g grammar) of(r role) []family {
	var out []family
	for _, f := range families {
		if f.role == r {
			f.strata, f.attacks = g.kinds(f.name+"/lookalike/", strata), g.kinds(f.name+"/attack/", categories)
			out = append(out, f)
		}
	}
	return out
}

// kinds returns the lists whose names begin with prefix, under the rest of their names, with their shares.
func (g grammar) kinds(prefix string, shares map[string]int) []share {
	var out []share
	for _, name := range slices.Sorted(maps.Keys(g)) {
		if kind, ok := strings.CutPrefix(name, prefix); ok {
			out = append(out, share{kind, shares[kind]})
		}
	}
	return out
}

// pick returns the share that position i of n positions belongs to.
func pick(shares []share, i, n int) int {
	whole, sum := 0, 0
	for _, s := range shares {
		whole += s.part
	}
	for at, s := range shares {
		if sum += s.part; (2*i+1)*whole < 2*n*sum {
			return at
		}
	}
	return len(shares) - 1
}

// portion returns how many of n rows each family gets. The numbers add up to n.
func portion(of []family, n int) []int {
	shares := make([]share, len(of))
	for i, f := range of {
		shares[i] = share{f.name, f.share}
	}
	out := make([]int, len(of))
	for i := range n {
		out[pick(shares, i, n)]++
	}
	return out
}
