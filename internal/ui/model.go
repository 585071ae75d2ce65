package ui

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"topobench/internal/text"
)

// model is the content of the screen: the lasting lines that are not drawn yet, and the state
// from which the moving lines are made.
type model struct {
	Options
	start    time.Time
	pending  []line
	services []Service            // in order of appearance, without dead and stopped ones
	changed  map[string]time.Time // when a service entered its state
	sweep    Sweep
	progress time.Time // last progress line without a terminal
}

func (m *model) service(s Service) {
	s.Name, s.Detail = text.Clean(s.Name), text.Clean(s.Detail)
	i := slices.IndexFunc(m.services, func(t Service) bool { return t.Name == s.Name })
	var before State
	if i >= 0 {
		before = m.services[i].State
	}
	if s.State != before {
		m.changed[s.Name] = m.Now()
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

// announce adds a lasting line for a change of state. On a terminal only a death gets one,
// because the moving lines show the other changes.
func (m *model) announce(s Service, known bool) {
	if m.TTY && s.State != Died || s.State == Gone && !known {
		return
	}
	m.lasting(line{{text: s.Name + " "}, {text: string(s.State), style: s.State.style()}, {text: description(s)}})
}

// lasting adds a line that stays. Without a terminal it starts with its time.
func (m *model) lasting(l line) {
	if !m.TTY {
		stamp := fmt.Sprintf("[+%.1fs] ", m.Now().Sub(m.start).Seconds())
		l = slices.Insert(l, 0, span{text: stamp})
		m.progress = m.Now()
	}
	m.pending = append(m.pending, l)
}

// take returns the lines to draw now, and forgets the lasting ones.
func (m *model) take() (lasting, live []line) {
	if m.TTY {
		live = m.frame()
	} else if text := m.summary(); text != "" && m.Now().Sub(m.progress) >= progressEvery {
		m.lasting(line{{text: text}})
	}
	lasting, m.pending = m.pending, nil
	return lasting, live
}

// frame returns the moving lines: the services, then the sweep.
func (m *model) frame() []line {
	width := 0
	for _, s := range m.services {
		width = max(width, len(s.Name))
	}
	var lines []line
	for _, s := range m.services {
		lines = append(lines, line{
			{text: fmt.Sprintf("  %-*s  ", width, s.Name)},
			{text: fmt.Sprintf("%-8s", s.State), style: s.State.style()},
			{text: "  " + age(m.Now().Sub(m.changed[s.Name])) + description(s)},
		})
	}
	if m.sweep.shown() {
		progress := "  " + m.sweep.text()
		if columns, _ := m.Size(); utf8.RuneCountInString(progress)+2+barWidth+2 < columns {
			progress += "  " + m.sweep.bar()
		}
		lines = append(lines, line{{text: progress}})
	}
	return lines
}

// summary returns the progress in one line, for logs; "" if nothing changes.
func (m *model) summary() string {
	var parts []string
	for _, s := range m.services {
		if s.State != Ready {
			since := age(m.Now().Sub(m.changed[s.Name]))
			parts = append(parts, strings.TrimSpace(fmt.Sprintf("%s %s %s %s", s.Name, s.State, since, s.Detail)))
		}
	}
	if m.sweep.shown() {
		parts = append(parts, m.sweep.text())
	}
	return strings.Join(parts, "; ")
}

// description is a service's host, GPUs, port and detail, each after two spaces.
func description(s Service) string {
	text := ""
	if s.Host != "" {
		text += "  " + s.Host
	}
	if len(s.GPUs) > 0 {
		text += "  GPU " + strings.Trim(strings.ReplaceAll(fmt.Sprint(s.GPUs), " ", ","), "[]")
	}
	if s.Port > 0 {
		text += fmt.Sprintf("  port %d", s.Port)
	}
	if s.Detail != "" {
		text += "  " + s.Detail
	}
	return text
}

// age formats a duration in whole seconds: 42s, 2m05s, 1h02m.
func age(d time.Duration) string {
	seconds := int(d / time.Second)
	switch {
	case seconds < 60:
		return fmt.Sprintf("%ds", max(0, seconds))
	case seconds < 3600:
		return fmt.Sprintf("%dm%02ds", seconds/60, seconds%60)
	}
	return fmt.Sprintf("%dh%02dm", seconds/3600, seconds/60%60)
}
