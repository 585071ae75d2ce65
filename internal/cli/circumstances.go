package cli

import (
	"fmt"
	"slices"
	"strings"

	"topobench/internal/plan"
	"topobench/internal/report"
	"topobench/internal/run"
	"topobench/internal/text"
)

// circumstances are the deviations from the guide, the prompts and the times of what was measured: one line each, or
// all with --verbose.
func (c *runCmd) circumstances(facts report.Facts, topologies []run.Topology) []string {
	topologies = slices.DeleteFunc(slices.Clone(topologies), func(t run.Topology) bool { return len(t.Cells) == 0 })
	if c.Verbose {
		whole := []string{deviations(topologies), c.prompts(facts), run.TimeTable(topologies)}
		return slices.DeleteFunc(whole, func(part string) bool { return part == "" })
	}
	var counts []string
	for _, t := range topologies {
		if n := len(t.Deviations); n > 0 {
			counts = append(counts, t.Name+" in "+text.Count(n, "point", "points"))
		}
	}
	var lines []string
	if len(counts) > 0 {
		lines = append(lines, fmt.Sprintf("differs from the guide: %s (--verbose names them)",
			strings.Join(text.Distinct(counts), ", ")))
	}
	prompts := "one seed for all concurrencies, as in the guide"
	if c.FreshPrompts {
		prompts = "each concurrency has its own seed"
	}
	if share := cacheShare(facts); share != "" {
		prompts += fmt.Sprintf("; the servers read %s %% of the prompt tokens from a prefix cache", share)
	}
	return append(append(lines, "prompts: "+prompts), run.TimeLines(topologies)...)
}

// deviations names the deviations from the guide of each topology.
func deviations(topologies []run.Topology) string {
	var lines []string
	for _, t := range topologies {
		if len(t.Deviations) > 0 {
			ids := text.Each(t.Deviations, func(d plan.Deviation) string { return d.ID })
			lines = append(lines, t.Name+" differs from the guide in: "+strings.Join(ids, ", "))
		}
	}
	lines = text.Distinct(lines) // rounds
	// A single one is nvext, which plan cannot explain because only the smoke request finds it.
	if slices.ContainsFunc(topologies, func(t run.Topology) bool { return len(t.Deviations) > 1 }) {
		lines = append(lines, "(topobench plan PROFILE --guide explains each)")
	}
	return strings.Join(lines, "\n")
}

// prompts explains the effect of the load on prefix caches, and how much the servers read from them.
func (c *runCmd) prompts(facts report.Facts) string {
	prompts := "prompts: one seed for all concurrencies, as in the guide. Each concurrency repeats the prompts of " +
		"the one before, which a prefix cache may still have; --fresh-prompts gives each its own."
	if c.FreshPrompts {
		prompts = "prompts: each concurrency has its own seed."
	}
	if share := cacheShare(facts); share != "" {
		prompts += fmt.Sprintf(" The servers read %s %% of the prompt tokens from a prefix cache "+
			"(results.csv has it for each cell).", share)
	}
	return prompts
}

// cacheShare is "0 to 34" percent, or empty if no server reports it.
func cacheShare(facts report.Facts) string {
	least, greatest, ok := facts.CacheRead()
	if !ok {
		return ""
	}
	share := fmt.Sprintf("%.0f", least)
	if most := fmt.Sprintf("%.0f", greatest); most != share {
		share += " to " + most
	}
	return share
}
