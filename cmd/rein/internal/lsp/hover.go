package lsp

import "rein/pipelines/lang"

func (s *server) hover(snap *snapshot, file string, offset int) (any, error) {
	var h *lang.Hover
	snap.ask(file, func(p *lang.Program) { h = p.Hover(file, offset) })
	if h == nil {
		return nil, nil
	}
	text := h.Text
	if n := snap.index().Named(file, offset); n != nil && n.Kind == "step" {
		text += s.stepStatus(snap, file, n.Name)
	}
	return hover{markdown(text), snap.span(h.Range)}, nil
}
