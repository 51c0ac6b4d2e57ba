// Package compare puts strategies side by side: what was planned, what was expected, what was measured, how sure that is, and
// which one to ship. It reads run records and stored artifacts; it runs nothing, and writes nothing:
// that is what package render does.
//
//	result, err := compare.Compute(ctx, compare.Input{Pipelines: run.Pipelines, Blobs: store})
//	err = render.Table(os.Stdout, result, render.Options{Width: 140, Color: true})
//
// The words:
//
//   - planned: a figure of the strategy's plan block, which states beforehand what somebody intends; never a result. A plan, elsewhere, is what
//     rein plan says: what a run would do.
//   - expected: a figure that the strategy's expect block promises, with a tolerance.
//   - measured: a figure of a recorded run, with a 95% interval where it is a rate.
//   - gate: what a strategy must reach to be approved: a target, the balance, steps that passed.
//   - verdict: approve if every gate is passed, else reject.
//   - recommended: the one approved strategy that the rule picks, or none.
//   - test: a paired test of two strategies on the same rows, its p-value adjusted for the number of tests against the baseline, or of pairs of strategies (Holm).
//   - concern: what speaks against a strategy, with its figures.
//   - finding: anything that a comparison has to say, as a code and figures: a concern, a reason, a note. Package render makes sentences.
package compare
