// Package reviewui is the screen of rein review: one row at a time, a key a decision. Each decision is written at once, so
// stopping loses nothing.
package reviewui

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/mattn/go-runewidth"

	"rein/pipelines/human"
	"rein/steps/artifact"
	"rein/steps/review"
)

// Model is the screen's state.
type Model struct {
	rows      []artifact.Row
	decisions review.Decisions
	change    Change
	originals map[string]string

	at       int
	done     []string // ids decided in this session, for undo
	note     string   // being typed
	noting   bool
	width    int
	err      error
	finished bool
}

// Change keeps a decision of a row, or takes it back if it is nil, and returns all decisions that there are then.
type Change func(id string, d *review.Decision) (review.Decisions, error)

// New makes a screen over rows and the decisions so far.
func New(rows []artifact.Row, decisions review.Decisions, change Change) *Model {
	m := &Model{rows: rows, decisions: decisions, change: change, width: 80}
	m.next()
	return m
}

// Compare shows beside each row the text that it was made from, by the id of its parent. That is the best way to see whether a variation
// still means what its label says.
func (m *Model) Compare(originals map[string]string) { m.originals = originals }

// Err is why the screen ended early.
func (m *Model) Err() error { return m.err }

// Decided counts the rows that are decided.
func (m *Model) Decided() int { return m.decisions.Decided(m.rows) }

// Init implements tea.Model.
func (m *Model) Init() tea.Cmd { return nil }

// Update implements tea.Model.
func (m *Model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width = msg.Width
	case tea.KeyPressMsg:
		if m.noting {
			m.typeNote(msg)
			return m, nil
		}
		if m.key(msg.String()) {
			return m, tea.Quit
		}
	}
	return m, nil
}

// key acts on a key and tells whether to end.
func (m *Model) key(k string) (quit bool) {
	if k == "q" || k == "ctrl+c" || k == "esc" {
		return true
	}
	if k == "u" {
		m.undo()
		return m.err != nil
	}
	if m.finished {
		return true
	}
	switch k {
	case "a", "enter", "space":
		m.decide(review.Decision{Verdict: review.Accept})
	case "r":
		m.decide(review.Decision{Verdict: review.Reject})
	case "l":
		other := artifact.Malicious
		if m.rows[m.at].Label == other {
			other = artifact.Benign
		}
		m.decide(review.Decision{Verdict: review.Relabel, Label: other})
	case "n":
		m.noting = true
	case "right", "down", "s":
		m.at = (m.at + 1) % len(m.rows)
	case "left", "up":
		m.at = (m.at + len(m.rows) - 1) % len(m.rows)
	}
	return m.err != nil
}

func (m *Model) decide(d review.Decision) {
	id := m.rows[m.at].ID
	d.Note = m.note
	m.note = ""
	m.done = append(m.done, id)
	m.keep(id, &d)
	m.next()
}

func (m *Model) keep(id string, d *review.Decision) {
	all, err := m.change(id, d)
	if m.err = err; err == nil {
		m.decisions = all
	}
}

// undo reverts the last decision and shows its row again.
func (m *Model) undo() {
	if len(m.done) == 0 {
		return
	}
	id := m.done[len(m.done)-1]
	m.done = m.done[:len(m.done)-1]
	m.note = m.decisions[id].Note
	m.keep(id, nil)
	for i, r := range m.rows {
		if r.ID == id {
			m.at, m.finished = i, false
		}
	}
}

// next goes to the next row that isn't decided.
func (m *Model) next() {
	if at := m.decisions.Next(m.rows, m.at); at >= 0 {
		m.at = at
	} else {
		m.finished = true
	}
}

func (m *Model) typeNote(k tea.KeyPressMsg) {
	switch k.String() {
	case "enter":
		m.noting = false
	case "esc":
		m.noting, m.note = false, ""
	case "backspace":
		if r := []rune(m.note); len(r) > 0 {
			m.note = string(r[:len(r)-1])
		}
	default:
		m.note += k.Text
	}
}

// View implements tea.Model.
func (m *Model) View() tea.View {
	v := tea.NewView(m.screen())
	v.AltScreen = true
	return v
}

func (m *Model) screen() string {
	var b strings.Builder
	fmt.Fprintf(&b, "review: %d of %d decided\n\n", m.Decided(), len(m.rows))
	if m.finished {
		b.WriteString("All are decided.\n\nu undo   any other key ends\n")
		return b.String()
	}
	r := m.rows[m.at]
	fmt.Fprintf(&b, "row %d  %s  %s", m.at+1, r.Label, r.Category)
	if r.Method != "" {
		fmt.Fprintf(&b, "  made by %s", r.Method)
	}
	if d, ok := m.decisions[r.ID]; ok {
		fmt.Fprintf(&b, "  [%s %s]", d.Verdict, d.Label)
	}
	b.WriteString("\n\n")
	if original, ok := m.originals[r.Parent]; ok && r.Parent != "" {
		own, of := Differing(human.Safe(r.Text), human.Safe(original))
		m.text(&b, r.Text, own)
		b.WriteString("made of\n\n")
		m.text(&b, original, of)
	} else {
		m.text(&b, r.Text, nil)
	}
	if m.noting {
		fmt.Fprintf(&b, "note: %s_   (enter keeps it, esc drops it)\n", m.note)
		return b.String()
	}
	if m.note != "" {
		fmt.Fprintf(&b, "note: %s\n", m.note)
	}
	b.WriteString("a accept   r reject   l other label   n note   u undo   arrows move   q end (all is saved)\n")
	return b.String()
}

// text writes a prompt, wrapped and indented, with the words that are marked underlined, and an empty line.
func (m *Model) text(b *strings.Builder, s string, marked []bool) {
	s = human.Safe(s)
	b.WriteString(indent(underline(runewidth.Wrap(s, max(m.width-4, 20)), s, marked)))
	b.WriteString("\n\n")
}

func indent(s string) string { return "  " + strings.ReplaceAll(s, "\n", "\n  ") }
