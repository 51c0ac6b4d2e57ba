package record

// Reason is why a step runs, or why it ended as it did. Programs use Code, Of and Detail; String makes the words.
type Reason struct {
	Code   Code   `json:"code"`
	Of     string `json:"of,omitempty"`     // the step that it is about: "hybrid/model", "model"
	Detail string `json:"detail,omitempty"` // what differs, or what was lost
}

// Code says which kind of reason it is.
type Code string

// The codes: first why a step runs, then why a step ended without running or in an unexpected way.
const (
	NeverRun      Code = "never-run"
	Changed       Code = "changed"      // Detail: one difference from the nearest past result
	ChangedMore   Code = "changed-more" // Detail: how many differences aren't listed
	Lost          Code = "lost"         // Detail: what the store lacks
	Forced        Code = "forced"
	Verify        Code = "verify"
	NeededAgain   Code = "needed-again" // its output is gone, and Of needs it
	WouldNeed     Code = "would-need"   // of a plan: its output is gone, and Of needs it
	MayNeed       Code = "may-need"     // of a plan: its output is gone, and Of may need it
	WaitsFor      Code = "waits-for"    // of a plan: Detail lists the steps that have to run first
	SameWork      Code = "same-work"    // Of did it, with the same end
	RanWith       Code = "ran-with"     // it ran once, for Of
	RunsWith      Code = "runs-with"    // of a plan: it runs once, for Of
	MadeMeanwhile Code = "made-meanwhile"
	SharedCache   Code = "shared-cache"
	Verified      Code = "verified"
	InputChanged  Code = "input-changed" // Detail: the inputs that were written to meanwhile
	NotNeeded     Code = "not-needed"
	NotStarted    Code = "not-started" // Detail: what kept it
	Interrupted   Code = "interrupted"
	TooLate       Code = "interrupted-before"
	UpstreamFail  Code = "upstream-failed"
	UpstreamNo    Code = "upstream-verdict"
	UpstreamStop  Code = "upstream-stopped"
	UpstreamNone  Code = "upstream-not-run"
)

// String is the reason in words.
func (r Reason) String() string {
	switch r.Code {
	case NeverRun:
		return "never run before"
	case ChangedMore:
		return "and " + r.Detail + " more differences"
	case NeededAgain:
		return "its output is gone from the store, and step " + r.Of + " needs it"
	case WouldNeed:
		return "step." + r.Of + " needs it"
	case MayNeed:
		return "step." + r.Of + " may need it"
	case WaitsFor:
		return "waits for " + r.Detail
	case SameWork:
		return "same work as " + r.Of
	case RanWith:
		return "ran once with " + r.Of
	case RunsWith:
		return "runs once with " + r.Of
	case MadeMeanwhile:
		return "made by another rein meanwhile"
	case SharedCache:
		return "from the shared cache"
	case Verified:
		return "verified: same bytes"
	case InputChanged:
		return "not cached: input changed while the step ran: " + r.Detail
	case NotNeeded:
		return "not needed: `when` is false"
	case NotStarted:
		return "not started: " + r.Detail
	case TooLate:
		return "interrupted before it started"
	case UpstreamFail:
		return r.Of + " failed"
	case UpstreamNo:
		return r.Of + " said no"
	case UpstreamStop:
		return r.Of + " was stopped"
	case UpstreamNone:
		return r.Of + " was not run"
	case Changed, Lost:
		return r.Detail
	}
	return string(r.Code) // forced, verify, interrupted
}

// Words are reasons in words, in their order.
func Words(reasons []Reason) []string {
	var out []string
	for _, r := range reasons {
		out = append(out, r.String())
	}
	return out
}
