//go:build uncompiled

// What package ahead compiles page.gohtml with, where the page that was compiled before does not fit the code any more.

package render

import "rein/pipelines/compare/render/markup"

func drawPage(w *markup.Writer, d *page)      {}
func drawLive(w *markup.Writer, d *page)      {}
func drawGraph(w *markup.Writer, d stepGraph) {}
func drawTrend(w *markup.Writer, d trend)     {}
