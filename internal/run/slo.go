package run

import (
	"fmt"
	"slices"
	"strings"

	"topobench/internal/aiperf"
	"topobench/internal/artifacts"
	"topobench/internal/journal"
	"topobench/internal/slo"
	"topobench/internal/text"
	"topobench/internal/verdict"
)

// judgeSLO is a cell against its SLO. The numbers of a cell that is not valid prove nothing.
func judgeSLO(v verdict.Verdict, m aiperf.Measurement, targets slo.Targets) slo.Judgement {
	if v.State != verdict.Valid {
		return slo.Judgement{}
	}
	return targets.Judge(func(t slo.Target) (float64, int) {
		if ms, ok := m.Latency(t); ok {
			return ms, 1
		}
		return 0, 0
	})
}

// skipBeyond leaves out the levels of a launch above the first two neighbours outside the SLO.
func (r *Runner) skipBeyond(t *Topology, targets slo.Targets) {
	states := map[int]slo.State{}
	for _, c := range t.Cells {
		states[c.Concurrency] = c.SLO.State
	}
	beyond := slices.DeleteFunc(slo.Beyond(t.Asked, states), func(level int) bool {
		_, measured := states[level]
		return measured || slices.Contains(t.Beyond, level)
	})
	if len(beyond) == 0 {
		return
	}
	for _, level := range beyond {
		r.done = append(r.done, Cell{CellID: artifacts.CellID{Topology: t.Name, Concurrency: level, Repeat: t.Repeat}})
	}
	t.Beyond = append(t.Beyond, beyond...)
	r.Journal.Note(journal.LevelsSkipped{Topology: t.Name, Round: t.Repeat, Concurrency: beyond, SLO: targets.String()})
	r.Screen.Note(fmt.Sprintf("%v: concurrency %s is skipped: two levels below are outside the SLO %v", t,
		strings.Join(text.Each(beyond, func(level int) string { return fmt.Sprint(level) }), " "), targets))
}

// Missing are the concurrencies without a cell, but for those that the SLO left out.
func (t Topology) Missing() []int {
	return slices.DeleteFunc(slices.Clone(t.Asked), func(level int) bool {
		return slices.Contains(t.Beyond, level) ||
			slices.ContainsFunc(t.Cells, func(c Cell) bool { return c.Concurrency == level })
	})
}
