package report

import "topobench/internal/artifacts"

// Extras is what a page has beside the facts. Each part may be absent.
type Extras struct {
	Command    string // that was run
	Version    string // of topobench
	Deviations []Deviating
	Provenance map[string][]artifacts.Provenance // of the launches of an artifacts_N
	Timelines  []Timeline                        // one for each run
	Samples    map[string][]artifacts.Sample     // by Row.Configuration
	Logs       []Log
	Scripts    []Script
	Missing    []string // parts that could not be read, with the cause
}

// Deviating is a deviation from the guide, with the topologies that have it.
type Deviating struct {
	ID, Guide, Done, Why, Since string
	Topologies                  []string
}

// Log is the end of the log of a service or of a cell that failed.
type Log struct {
	Name, Cause, Path string
	Lines             []string
}

// Script is the plan of a topology as a script that a person can run.
type Script struct{ Name, Text string }

// Timeline is the launches of a run, in order.
type Timeline struct {
	Run   string
	Lanes []Lane
}

// Lane is one launch. From and To of its spans are seconds since the run began.
type Lane struct {
	Name  string
	Spans []Span
}

// Span is a step of a launch.
type Span struct {
	Kind     SpanKind
	From, To float64
	Text     string // further facts
	Failed   bool
}

// SpanKind is the kind of a step.
type SpanKind string

// The kinds, in the order of a launch.
const (
	Launching SpanKind = "launch until ready"
	Proving   SpanKind = "smoke test"
	Measuring SpanKind = "cell"
	Ending    SpanKind = "teardown"
)

// SpanKinds are all kinds.
func SpanKinds() []SpanKind { return []SpanKind{Launching, Proving, Measuring, Ending} }
