package ui

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"topobench/internal/text"
)

// model is what there is to show: lines that stay and were not yet drawn, and
// the present state, from which the moving lines are made.
type model struct {
	tty      bool
	now      func() time.Time
	start    time.Time
	pending  []line
	services []Service            // in order of appearance, without those gone
	changed  map[string]time.Time // when a service took its present state
	sweep    Sweep
	progress time.Time // last progress line without a terminal
}

func (m *model) phase(name string) { m.lasting(line{{text: text.Clean(name), style: bold}}) }

func (m *model) note(lines string) {
	for part := range strings.SplitSeq(strings.TrimRight(lines, "\n"), "\n") {
		m.lasting(line{{text: text.Clean(part)}})
	}
}

func (m *model) service(s Service) {
	s.Name, s.Detail = text.Clean(s.Name), text.Clean(s.Detail)
	i := slices.IndexFunc(m.services, func(t Service) bool { return t.Name == s.Name })
	var before State
	if i >= 0 {
		before = m.services[i].State
	}
	if s.State != before {
		m.changed[s.Name] = m.now()
		m.announce(s, i >= 0)
	}
	switch over := s.State == Gone || s.State == Died; {
	case over && i >= 0:
		m.services = slices.Delete(m.services, i, i+1)
	case over:
	case i >= 0:
		m.services[i] = s
	default:
		m.services = append(m.services, s)
	}
}

// announce makes a lasting line of a change of state where one is due: on a
// terminal only a death is, because the moving lines show the rest.
func (m *model) announce(s Service, known bool) {
	if m.tty && s.State != Died || s.State == Gone && !known {
		return
	}
	text := line{{text: s.Name + " "}, {text: string(s.State), style: s.State.style()}}
	for _, part := range []string{places(s), s.Detail} {
		if part != "" {
			text = append(text, span{text: "  " + part})
		}
	}
	m.lasting(text)
}

// lasting adds a line that stays, with its time where no screen shows how time
// passes.
func (m *model) lasting(l line) {
	if !m.tty {
		stamp := fmt.Sprintf("[+%.1fs] ", m.now().Sub(m.start).Seconds())
		l = slices.Insert(l, 0, span{text: stamp})
		m.progress = m.now()
	}
	m.pending = append(m.pending, l)
}

// take hands over the lines to draw now.
func (m *model) take() (lasting, live []line) {
	if m.tty {
		live = m.frame()
	} else if text := m.summary(); text != "" && m.now().Sub(m.progress) >= progressEvery {
		m.lasting(line{{text: text}})
	}
	lasting, m.pending = m.pending, nil
	return lasting, live
}

// frame is the moving lines: the services, then the sweep.
func (m *model) frame() []line {
	width := 0
	for _, s := range m.services {
		width = max(width, len(s.Name))
	}
	var lines []line
	for _, s := range m.services {
		lines = append(lines, m.serviceLine(s, width))
	}
	if m.sweep.shown() {
		lines = append(lines, line{{text: "  " + m.sweep.text() + "  " + m.sweep.bar()}})
	}
	return lines
}

func (m *model) serviceLine(s Service, width int) line {
	rest := "  " + age(m.now().Sub(m.changed[s.Name]))
	for _, part := range []string{places(s), s.Detail} {
		if part != "" {
			rest += "  " + part
		}
	}
	return line{
		{text: fmt.Sprintf("  %-*s  ", width, s.Name)},
		{text: fmt.Sprintf("%-8s", s.State), style: s.State.style()},
		{text: rest},
	}
}

// summary is the progress in one line, for logs; "" when nothing moves.
func (m *model) summary() string {
	var parts []string
	for _, s := range m.services {
		if s.State != Ready {
			parts = append(parts, strings.TrimSpace(fmt.Sprintf("%s %s %s %s", s.Name, s.State, age(m.now().Sub(m.changed[s.Name])), s.Detail)))
		}
	}
	if m.sweep.shown() {
		parts = append(parts, m.sweep.text())
	}
	return strings.Join(parts, "; ")
}
