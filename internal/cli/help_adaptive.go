package cli

import (
	"fmt"

	"topobench/internal/run"
	"topobench/internal/stats"
)

// adaptive explains run --precision.
func (p *page) adaptive() {
	ladder := run.SearchLevels([]int{1})
	a := run.Adaptive{At: 45, Precision: 0.03, MaxRounds: defaultMaxRounds, Top: ladder[len(ladder)-1],
		Ladder: 2 * run.LadderRequests(ladder)}
	p.heading("Adaptive (run A B --at X --precision 3%)")
	p.text("One launch of each side searches: it doubles or halves the concurrency until X is between two levels, at " +
		"least a tenth of their distance from both, else the next level is taken too. A third level shows how curved " +
		"the frontier is. These cells are published and are no part of the interval. Then each round launches both " +
		"sides afresh and measures only the two levels of each, in alternating order.")
	p.text(fmt.Sprintf("Stein's two-stage rule (1945) decides when to stop: after s = %d rounds with the standard "+
		"deviation sd of the logarithm of the ratio, it takes N = (t sd / ln(1 + precision))^2 rounds, at least s, "+
		"rounded up to an even number, at most --max-rounds. t = %.2f is Student's for s - 1 degrees of freedom. The "+
		"interval is exp(mean of all N -+ t sd / sqrt(N)). The rounds in between are not examined: to stop when the "+
		"interval looks good would make it too narrow.", stats.FirstStage, stats.T(stats.FirstStage-1)))
	p.text("A cell that is not valid costs its round, and the second lost round is the last. A round in which a side " +
		"does not reach X widens its bracket, and the rounds begin again, once; after that there is no number " +
		"(exit 1).")
	p.text("The search decides how much a run spends. For profiles with the guide's levels:")
	for _, line := range a.Announcement()[1:] {
		p.point(line)
	}
	p.text("The ratio is interpolated between two levels, and the interval does not have the error of that. The run " +
		"compares it with the frontier of all levels of the search, and adds a difference of more than a third of " +
		"the precision to the sentence. --concurrency with several levels around X leaves less to interpolate.")
}
