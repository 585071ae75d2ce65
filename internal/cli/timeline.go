package cli

import (
	"fmt"
	"strings"

	"topobench/internal/journal"
	"topobench/internal/report"
	"topobench/internal/verdict"
)

// lanes makes a timeline of a journal. Only the last span of the last lane is open: a run takes one step at a time.
type lanes struct {
	all   []report.Lane
	open  bool
	ready float64 // last time at which a service of the launch became ready
}

// timelineOf is the timeline of a run. A step without its end goes on to the last record.
func timelineOf(run string, records []journal.Record) report.Timeline {
	var l lanes
	last := 0.0
	for _, r := range records {
		last = float64(r.Millis) / 1000
		l.add(r.Event, last)
	}
	if l.open {
		l.note("no end is recorded")
		l.end(last)
	}
	return report.Timeline{Run: run, Lanes: l.all}
}

func (l *lanes) add(event journal.Event, at float64) {
	if launch, is := event.(journal.LaunchBegin); is {
		l.end(at)
		l.ready = 0
		l.all = append(l.all, report.Lane{Name: laneName(launch)})
		l.begin(report.Launching, at, "")
		return
	}
	if len(l.all) == 0 {
		return
	}
	switch e := event.(type) {
	case journal.Service:
		if e.State == "ready" {
			l.ready = at
		}
	case journal.CellBegin:
		if l.last().Kind == report.Launching && l.open {
			proving := max(l.ready, l.last().From)
			l.end(proving)
			l.begin(report.Proving, proving, "")
		}
		l.end(at)
		l.begin(report.Measuring, at, fmt.Sprintf("concurrency %d", e.Concurrency))
	case journal.CellDone, journal.CellAborted, journal.LaunchFailed, journal.LaunchLost:
		l.result(e, at)
	case journal.TeardownBegin:
		l.end(at)
		l.begin(report.Ending, at, "")
	case journal.TeardownProved, journal.TeardownBusy, journal.TeardownDirty:
		if _, dirty := e.(journal.TeardownDirty); dirty && l.open {
			l.last().Failed, l.last().Text = true, "something could not be proved gone"
		}
		l.end(at)
	}
}

// result notes how a cell or a launch ended.
func (l *lanes) result(event journal.Event, at float64) {
	last := l.last()
	switch e := event.(type) {
	case journal.CellDone:
		if last.Kind == report.Measuring {
			l.note(string(e.State))
			last.Failed = e.State != verdict.Valid
		}
	case journal.CellAborted:
		l.note("interrupted")
		last.Failed = true
	case journal.LaunchFailed: // its teardown is over
		first := &l.all[len(l.all)-1].Spans[0]
		first.Text, first.Failed = head(e.Error), true
	case journal.LaunchLost:
		l.note(head(e.Error))
		last.Failed = true
	}
	l.end(at)
}

func (l *lanes) begin(kind report.SpanKind, at float64, text string) {
	lane := &l.all[len(l.all)-1]
	lane.Spans = append(lane.Spans, report.Span{Kind: kind, From: at, To: at, Text: text})
	l.open = true
}

// note adds a fact to the last span.
func (l *lanes) note(fact string) {
	l.last().Text = strings.TrimPrefix(l.last().Text+", "+fact, ", ")
}

// end closes the open span, if there is one.
func (l *lanes) end(at float64) {
	if l.open {
		l.last().To = at
	}
	l.open = false
}

func (l *lanes) last() *report.Span {
	spans := l.all[len(l.all)-1].Spans
	return &spans[len(spans)-1]
}

func laneName(e journal.LaunchBegin) string {
	name := e.Topology
	if e.Round > 0 {
		name += fmt.Sprintf(", round %d", e.Round)
	}
	if e.Launch > 1 {
		name += fmt.Sprintf(", launch %d", e.Launch)
	}
	return name + " (" + e.Artifacts + ")"
}

// head is the first line of an error.
func head(message string) string {
	line, _, _ := strings.Cut(message, "\n")
	return line
}
