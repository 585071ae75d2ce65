package cli

import (
	"fmt"
	"strings"
	"testing"

	"topobench/internal/journal"
	"topobench/internal/plan"
	"topobench/internal/report"
	"topobench/internal/verdict"
)

// recorded has an event a second, from second 1 on.
func recorded(events ...journal.Event) (records []journal.Record) {
	for i, e := range events {
		records = append(records, journal.Record{Seq: i + 1, Millis: int64(i+1) * 1000, Event: e})
	}
	return records
}

// spelt is a timeline in short: "launch until ready 1-3 | cell 4-5 failed concurrency 1".
func spelt(t report.Timeline) string {
	var lanes []string
	for _, lane := range t.Lanes {
		lanes = append(lanes, lane.Name)
		for _, s := range lane.Spans {
			span := fmt.Sprintf("  %s %g-%g", s.Kind, s.From, s.To)
			if s.Failed {
				span += " failed"
			}
			lanes = append(lanes, strings.TrimRight(span+" "+s.Text, " "))
		}
	}
	return strings.Join(lanes, "\n")
}

func TestTheTimelineOfARun(t *testing.T) {
	launch := journal.LaunchBegin{Topology: "agg", Round: 2, Launch: 1, Artifacts: "artifacts_3"}
	begin, down := journal.CellBegin{Concurrency: 4}, journal.TeardownBegin{Topology: "agg"}
	for _, row := range []struct {
		why    string
		events []journal.Event
		want   string
	}{
		{"two cells", []journal.Event{journal.RunBegin{}, launch, journal.Service{Service: "w", State: "starting"},
			journal.Service{Service: "w", State: "ready"}, journal.Smoke{}, begin,
			journal.CellDone{Concurrency: 4, State: verdict.Valid}, begin,
			journal.CellDone{Concurrency: 4, State: verdict.Invalid}, down, journal.TeardownProved{}},
			`agg, round 2 (artifacts_3)
  launch until ready 2-4
  smoke test 4-6
  cell 6-7 concurrency 4, valid
  cell 8-9 failed concurrency 4, invalid
  teardown 10-11`},
		{"never ready: the teardown is over before the failure is noted", []journal.Event{launch,
			journal.Service{Service: "w", State: "died"}, down, journal.TeardownProved{},
			journal.LaunchFailed{Error: "w died\nits log"}},
			`agg, round 2 (artifacts_3)
  launch until ready 1-3 failed w died
  teardown 3-4`},
		{"a worker dies in a cell", []journal.Event{launch, begin, journal.LaunchLost{Error: "w died", Launch: 1}, down,
			journal.TeardownDirty{}, journal.LaunchBegin{Topology: "agg", Round: 2, Launch: 2, Artifacts: "artifacts_3"}, begin},
			`agg, round 2 (artifacts_3)
  launch until ready 1-1
  smoke test 1-2
  cell 2-3 failed concurrency 4, w died
  teardown 4-5 failed something could not be proved gone
agg, round 2, launch 2 (artifacts_3)
  launch until ready 6-6
  smoke test 6-7
  cell 7-7 concurrency 4, no end is recorded`},
		{"a run without a launch", []journal.Event{journal.RunBegin{}, down, journal.RunEnd{}}, ""},
	} {
		if got := spelt(timelineOf("r", recorded(row.events...))); got != row.want {
			t.Errorf("%s:\n%s\nwant\n%s", row.why, got, row.want)
		}
	}
}

// The page shows the log of what failed, not of what topobench stopped because of it.
func TestLogsOfWhatFailed(t *testing.T) {
	launch := journal.LaunchBegin{Topology: "agg", Artifacts: "artifacts_0", Plan: plan.Plan{Services: []plan.Service{
		{Name: "front", Log: "front.log"}, {Name: "w0", Log: "w0.log"}, {Name: "w1", Log: "w1.log"}, {Name: "later"}}}}
	away := journal.LaunchBegin{Plan: plan.Plan{Dirs: []string{"/launch"}, Services: []plan.Service{
		{Name: "w0", Host: "node0", Log: "/tmp/agent/w0.log"}}}}
	state := func(service, state string) journal.Event { return journal.Service{Service: service, State: state} }
	for _, row := range []struct {
		why    string
		events []journal.Event
		want   string
	}{
		{"the service that died", []journal.Event{launch, state("front", "ready"), state("w0", "starting"),
			state("w1", "died"), state("w0", "gone"), journal.LaunchFailed{Error: "w1 died\nmore"}}, "w1.log: w1 died"},
		{"the copy of a log of another host", []journal.Event{away, state("w0", "died"), journal.LaunchFailed{Error: "w0 died"}},
			"/launch/logs/w0.log: w0 died"},
		{"those that were not ready in time", []journal.Event{launch, state("front", "ready"), state("w0", "starting"),
			state("w1", "starting"), state("w0", "gone"), journal.LaunchFailed{Error: "not ready"}},
			"w0.log: not ready; w1.log: not ready"},
		{"aiperf of an invalid cell", []journal.Event{launch, journal.CellBegin{Argv: []string{"aiperf", "--artifact-dir", "c4/attempt-1"}},
			journal.CellDone{State: verdict.Invalid, Reasons: []string{"errors", "more"}}}, "c4/attempt-1.log: errors; more"},
		{"nothing failed", []journal.Event{launch, state("w0", "ready"), journal.CellBegin{},
			journal.CellDone{State: verdict.Valid}}, ""},
	} {
		var got []string
		for _, l := range failedLogs(recorded(row.events...)) {
			got = append(got, l.Path+": "+l.Cause)
		}
		if strings.Join(got, "; ") != row.want {
			t.Errorf("%s: %q, want %q", row.why, got, row.want)
		}
	}
}

// A root that was moved or sent still has its logs, and the page has no path of its machine.
func TestPathsOfARunThatWasMoved(t *testing.T) {
	const was = "/old/root/.topobench/20261124-094805-3f2a/topologies/agg/logs/w0.log"
	if got := moved("/new/.topobench/20261124-094805-3f2a", was); got != "/new/.topobench/20261124-094805-3f2a/topologies/agg/logs/w0.log" {
		t.Errorf("the log is %s", got)
	}
	if got := below(was); got != ".topobench/20261124-094805-3f2a/topologies/agg/logs/w0.log" {
		t.Errorf("the page has %s", got)
	}
}
