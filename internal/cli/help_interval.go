package cli

import (
	"fmt"
	"strings"

	"topobench/internal/report"
	"topobench/internal/stats"
)

// interval explains the ratio over several launches.
func (p *page) interval() {
	p.heading("Interval of the ratio")
	level := percent(stats.Confidence).String()
	p.text("Each artifacts_N is a launch with a frontier of its own. All launches are read at one tok/s/user, in the " +
		"range that all of them share. Launches of one round are a pair, and each round gives one ratio. A round " +
		"counts if both sides have valid points there (n of N rounds). A launch that lost the cell between its two " +
		"points there does not count, unless all of its side lost one. The ratio is the geometric mean over the " +
		"rounds, with the " + level + " t-interval of its logarithm. Launches without a round, or two of one side in " +
		"one round, are not paired: their interval is Welch's on the logarithms. One launch a side has no interval.")
	equal := percent(report.Equivalence).String()
	p.text("The verdict, with --equivalence " + equal + " (ratios from 1/1.03 to 1.03):")
	for _, row := range [][2]string{
		{"better, worse", "the interval excludes 1 and reaches beyond " + equal},
		{"better, by less than " + equal, "it excludes 1 and stays within " + equal + "; likewise worse"},
		{"no difference beyond " + equal, "it includes 1 and stays within " + equal},
		{"inconclusive", "it includes 1 and reaches beyond " + equal + ": more rounds, or a quieter node"},
	} {
		p.item(nameColumn, row[0], row[1])
	}
	p.text("Half width of the interval (root mean square over campaigns), by the noise of tok/s/gpu between launches " +
		"of one topology (its standard deviation) and by the number of rounds:")
	p.add("")
	p.add(halfWidths()...)
	p.text("An A/A measurement (topobench run P P) measures the noise of a node: arms A and B are one profile. It " +
		"reports the smallest difference that this node resolves, and whether the second launch of a round is " +
		"slower (position effect). " + report.AAName + " keeps it. A later ratio of the same node and work names it.")
	p.text("The table of ratios has round numbers of tok/s/user: the interpolated tok/s/gpu of both sides, and " +
		"beside their ratio that of the best measured points that reach the tok/s/user (step, the rule of MLPerf " +
		"Endpoints). A side without such a point is unreachable. \"-\" is a number that would need extrapolation. " +
		"The crossings are those of the frontiers of the means.")
}

// halfWidths is the table of expected half widths.
func halfWidths() (lines []string) {
	head := "  noise "
	for _, rounds := range report.NoiseRounds() {
		head += fmt.Sprintf("%10s", fmt.Sprintf("%d rounds", rounds))
	}
	lines = append(lines, head)
	for _, noise := range report.Noise() {
		line := fmt.Sprintf("  %-6s", percent(noise))
		for _, rounds := range report.NoiseRounds() {
			line += fmt.Sprintf("%10s", fmt.Sprintf("%.1f%%", 100*report.ExpectedHalfWidth(noise, rounds)))
		}
		lines = append(lines, strings.TrimRight(line, " "))
	}
	return lines
}
