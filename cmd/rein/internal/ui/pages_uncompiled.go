//go:build uncompiled

package ui

import "rein/pipelines/compare/render/markup"

// What package ahead compiles the pages with, where those that were compiled before don't fit the code any more.

func drawHead(w *markup.Writer, d frame)           {}
func drawFoot(w *markup.Writer, d frame)           {}
func drawProblem(w *markup.Writer, d failure)      {}
func drawEntrance(w *markup.Writer, d string)      {}
func drawCompare(w *markup.Writer, d comparison)   {}
func drawHistory(w *markup.Writer, d *historyView) {}
func drawPlan(w *markup.Writer, d planView)        {}
func drawPlanResult(w *markup.Writer, d *Plan)     {}
func drawReview(w *markup.Writer, d reviewView)    {}
func drawReviewCard(w *markup.Writer, d *reviewed) {}
func drawRows(w *markup.Writer, d *rowsView)       {}
func drawRowsTable(w *markup.Writer, d *rowsView)  {}
func drawRowDetail(w *markup.Writer, d *rowDetail) {}
func drawRun(w *markup.Writer, d *shownRun)        {}
func drawRuns(w *markup.Writer, d *runList)        {}
func drawRunsTable(w *markup.Writer, d *runList)   {}
