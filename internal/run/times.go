package run

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"topobench/internal/deploy"
)

// launched adds what a launch took; one more is engine start like the first.
func (t *Times) launched(s deploy.Times) {
	t.Launch += s.Launch
	t.Engine += s.Engine
	t.Lag += s.Lag
}

// failed adds what a launch took that did not come up, teardown included: of a
// topology that came up before, it is engine start as well.
func (t *Times) failed(took time.Duration) {
	if t.Engine > 0 {
		t.Engine += took
	}
}

// stopwatch tells what has gone by since, less what was waited for others.
func (c *Campaign) stopwatch() (took func() time.Duration) {
	began, waited := time.Now(), c.waited
	return func() time.Duration { return time.Since(began) - (c.waited - waited) }
}

// waitFor does what takes as long as others want.
func (c *Campaign) waitFor(others func()) {
	began := time.Now()
	others()
	c.waited += time.Since(began)
}

// TimeTable says where the wall time of each topology went, in seconds. "own"
// is topobench's share: total less engine start and aiperf.
func TimeTable(topologies []Topology) string {
	up := slices.DeleteFunc(slices.Clone(topologies), func(t Topology) bool { return t.Times.Engine == 0 })
	if len(up) == 0 { // of what did not come up there is nothing to share out
		return ""
	}
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "seconds\tplan\tlaunch\tengine\tready lag\tsmoke\taiperf\tanalysis\tteardown\tproof\ttotal\town\t")
	for _, t := range up {
		x := t.Times
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
