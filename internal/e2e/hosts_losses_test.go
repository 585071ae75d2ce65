//go:build hosts

package e2e_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"topobench/internal/testbed"
)

// lossTests kill a part of the run, or cut a link, in each phase of a run.
func lossTests() map[string]func(*lab) {
	tests := map[string]func(*lab){"LinkCutFor5s": linkCutShortly, "CleanHost": cleanHost, "LinkCutForGood": linkCutForGood}
	for _, p := range phases() {
		tests["OrchestratorKilled"+p.name] = func(l *lab) { l.holds(p).orchestratorKilled() }
		tests["AgentKilled"+p.name] = func(l *lab) {
			r := l.holds(p)
			l.node1.sh("kill -9 %d", l.node1.agent())
			r.recovers(p)
		}
		tests["SSHKilled"+p.name] = func(l *lab) {
			r := l.holds(p)
			l.login.sh("kill -9 %d", l.login.find("/usr/bin/ssh -T", "198.51.100.11").pid)
			r.recovers(p)
		}
		tests["LinkCut"+p.name] = func(l *lab) { l.holds(p).linkCut(p) }
	}
	return tests
}

// After a kill of topobench each agent ends by itself. clean removes the rest, on this machine.
func (r *launched) orchestratorKilled() {
	r.kills("KILL")
	<-r.ended
	for _, m := range r.lab.nodes() {
		r.nothingOn(m, 10*time.Second)
	}
	r.lab.cleans()
	r.audit(0)
}

// nothingOn checks that a machine has nothing of the run within limit.
func (r *launched) nothingOn(m *machine, limit time.Duration) {
	r.Helper()
	var left []string
	if !testbed.Soon(limit, func() bool { left = r.leftOn(m); return len(left) == 0 }) {
		r.Errorf("left behind after %v:\n%s", limit, strings.Join(left, "\n"))
	}
}

// recovers waits until the run has connected to node1 again, and checks that it goes on, and ends with a proof.
func (r *launched) recovers(p phase) {
	r.Helper()
	r.first("the run loses node1", func(e event) bool { return e.Event == "host-lost" && e.Name == "node1" })
	r.first("the run connects to node1 again", func(e event) bool { return e.Event == "host-recovered" && e.Name == "node1" })
	switch p.name {
	case "BringUp":
		r.ends(4) // without the host the topology does not start
	case "Cell":
		r.ends(0) // it has started the topology again, and measured the cell
		r.checkCell(filepath.Join(r.root, "artifacts_0", "-concurrency1"), time.Time{})
	default:
		r.ends(130)
	}
	r.audit(10 * time.Second) // sshd and slurmstepd need a moment to end
}

// While the link is cut for longer than the grace, the agent ends everything on its host. The run goes on once the
// link is back. A run that must end before that is DIRTY, and names the host and the command that cleans it.
func (r *launched) linkCut(p phase) {
	l := r.lab
	l.cut(l.node1)
	r.endsItself(l.node1)
	if p.name != "Teardown" {
		l.mend(l.node1)
		r.recovers(p)
		return
	}
	r.ends(5)
	r.prints("DIRTY", "node1", "topobench clean --host node1=bench@198.51.100.11")
	l.mend(l.node1)
	l.cleans("--host", "node1")
	r.audit(time.Second)
}

// A run whose host does not come back is DIRTY, and no next topology starts.
func linkCutForGood(l *lab) {
	r := l.start("run", "env", "LC_FAKE_AIPERF=hang", "topobench", "run", l.profile("agg"),
		l.profile("next", "name: agg\nkind: fake", "name: next\nkind: next"), "--hosts", onNodes, "--orphan-grace", orphanGrace.String())
	r.inCell()
	l.cut(l.node1)
	r.ends(5)
	r.prints("DIRTY", "node1", "topobench clean --host node1=bench@198.51.100.11")
	for _, e := range r.journal() {
		if e.Event == "launch-begin" && e.Topology == "next" {
			l.Error("the next topology starts")
		}
	}
	l.mend(l.node1)
	l.cleans("--host", "node1")
	r.audit(10 * time.Second)
}

// cleanHost leaves a host with services that nothing ends: its link is cut, and the agent there is killed together
// with its shepherds. The run is DIRTY. clean ends the services once the link is back.
func cleanHost(l *lab) {
	r := l.holds(phases()[1])
	l.cut(l.node1)
	var pids []string
	for _, p := range l.node1.processes() {
		if strings.Contains(p.line, "/agent-") {
			pids = append(pids, fmt.Sprint(p.pid))
		}
	}
	l.node1.sh("kill -STOP %s && kill -KILL %[1]s", strings.Join(pids, " ")) // none can react to the end of another
	r.kills("INT")
	r.ends(5)
	r.prints("DIRTY", "node1", "topobench clean --host node1=bench@198.51.100.11")
	if got := l.node1.find("/opt/fakes/python3", "dynamo.mocker"); got.pid == 0 {
		l.Error("nothing is left on node1, so this test cleans nothing")
	}
	l.mend(l.node1)
	l.cleans("--host", "node1=bench@198.51.100.11")
	r.audit(10 * time.Second)
}

// endsItself checks that the agent on a machine ends after the grace, and everything that it had started. sshd
// takes longer to see the cut.
func (r *launched) endsItself(m *machine) {
	r.Helper()
	var left []string
	if !testbed.Soon(orphanGrace+10*time.Second, func() bool {
		left = nil
		for _, line := range r.leftOn(m) {
			if !strings.Contains(line, ": sshd: ") && !strings.Contains(line, "/sshd") {
				left = append(left, line)
			}
		}
		return len(left) == 0
	}) {
		r.Errorf("left behind after the grace of %v:\n%s", orphanGrace, strings.Join(left, "\n"))
	}
}

// A run survives a cut of 5 s in a cell, and the cell is valid.
func linkCutShortly(l *lab) {
	r := l.start("run", "env", "LC_FAKE_AIPERF=slow 9000", "topobench", "run", l.profile("agg"), "--hosts", onNodes)
	r.first("the cell begins", func(e event) bool { return e.Event == "cell-begin" })
	l.cut(l.node1)
	<-time.After(5 * time.Second)
	l.mend(l.node1)
	r.ends(0)
	r.audit(time.Second)
	for _, e := range r.journal() {
		if e.Event == "host-lost" || e.Event == "launch-lost" {
			l.Errorf("the run does not survive: %s", fmt.Sprint(e))
		}
	}
}
