package campaign

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"topobench/internal/stack"
)

// launched adds what a launch took; one more is engine start like the first.
func (t *Times) launched(s *stack.Stack) {
	t.Launch += s.Launch
	t.Engine += s.Engine
	t.Lag += s.Lag
}

// TimeTable says where the wall time of each topology went, in seconds. "own"
// is topobench's share: total less engine start and aiperf.
func TimeTable(topologies []Topology) string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "seconds\tplan\tlaunch\tengine\tready lag\tsmoke\taiperf\tanalysis\tteardown\tproof\ttotal\town\t")
	for _, t := range topologies {
		x := t.Times
		if x.Engine == 0 {
			continue // it did not come up: there is nothing to share out
		}
		fmt.Fprintf(w, "%s\t", t.Name)
		for _, d := range []time.Duration{x.Plan, x.Launch, x.Engine, x.Lag, x.Smoke, x.AIPerf, x.Analysis, x.Teardown, x.Proof, x.Total, x.Own()} {
			fmt.Fprintf(w, "%.2f\t", d.Seconds())
		}
		fmt.Fprintln(w)
	}
	if err := w.Flush(); err != nil {
		return err.Error() // a strings.Builder does not fail
	}
	return b.String()
}
