package synthesize

import (
	"maps"
	"slices"
	"strings"

	"rein/steps/artifact"
)

// family is a generator of its own, as a source of a real data set is: its lists are used by no other family. The grammar
// has NAME/general for its ordinary rows, NAME/lookalike/STRATUM for benign rows that resemble attacks, and NAME/attack/CATEGORY.
type family struct {
	name  string
	role  role
	share int // of the rows of its role's sets, beside the others' shares
	voice voice
	said  string // role of the rows; "" is the user's

	strata, attacks []share // those that the grammar has
}

// role says which sets a family's rows go to. No family has two.
type role uint8

const (
	training role = iota // train
	choosing             // validation
	own                  // pool and test: somebody's own traffic
	reported             // unseen: new sources
)

// voice is how a family's rows are written.
type voice uint8

const (
	chat    voice = iota // prompts in English: greetings, slips, attacks quoted and disguised
	foreign              // prompts in another language
	machine              // commands, logs, JSON, code, mails, tool results: as a program writes them
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

// Shares in percent of the kinds of look-alikes, and of the families of attacks, among those that a family has.
var (
	strata     = map[string]int{"context manipulation": 43, "semantic jailbreak": 26, "obfuscated command": 19, "other": 12}
	categories = map[string]int{"jailbreak": 40, "toxicity": 28, "injection": 16, "pii": 8, "other": 8, "indirect": 40}
)

// share is a name's part of a whole, beside the others' parts.
type share struct {
	name string
	part int
}

// of are the families of a role, with what the grammar has of them.
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

// kinds are the lists with a prefix, by what comes after it, with their shares.
func (g grammar) kinds(prefix string, shares map[string]int) []share {
	var out []share
	for _, name := range slices.Sorted(maps.Keys(g)) {
		if kind, ok := strings.CutPrefix(name, prefix); ok {
			out = append(out, share{kind, shares[kind]})
		}
	}
	return out
}

// pick divides n positions among the shares.
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

// portion is how many of n rows each family has: together n.
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
