package lang

import (
	"slices"

	"github.com/hashicorp/hcl/v2"

	"rein/pipelines/lang/diag"
)

// This file and hover.go and complete.go answer an editor's questions of one program. They read what loading has found
// out and the same schemas, so they can't disagree with it; after an edit one loads again (milliseconds) with the text as
// an Overlay. What concerns many files at once is index.go's.

// evaluatorOf finds a pipeline that a file is part of, rather as its own file than as a base.
func (p *Program) evaluatorOf(file string) *evaluator {
	var base *evaluator
	for _, pl := range p.Pipelines {
		if pl.File == file {
			return pl.eval
		}
		if base == nil && slices.Contains(pl.Bases, file) {
			base = pl.eval
		}
	}
	return base
}

func rangeHas(r hcl.Range, file string, offset int) bool { return diag.RangeOf(r).Has(file, offset) }
