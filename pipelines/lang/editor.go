package lang

import (
	"slices"

	"github.com/hashicorp/hcl/v2"
)

// This file and hover.go and complete.go answer an editor's questions of one program. They read what loading has found
// out and the same schemas, so they can't disagree with it; after an edit one loads again (milliseconds) with the text as
// an Overlay. What concerns many files at once is index.go's.

func rangeOf(r hcl.Range) Range { return Range{r.Filename, pos(r.Start), pos(r.End)} }

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

func (r Range) has(file string, offset int) bool {
	return r.Filename == file && r.Start.Byte <= offset && offset <= r.End.Byte
}

func rangeHas(r hcl.Range, file string, offset int) bool { return rangeOf(r).has(file, offset) }
