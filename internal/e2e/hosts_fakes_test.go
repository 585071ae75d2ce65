//go:build hosts

package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// overHosts is an aggregated topology of fakes over both nodes.
const overHosts = `name: agg
kind: fake
engine: mocker
model: /opt/tiny
served_name: tiny
discovery: {nats: start}
hosts: {node0: {}, node1: {}}
balancer: {port: @20, host: node0}
port_base: @00
aggregated:
  - {cuda_visible_devices: [0], port: @21, host: node0}
  - {cuda_visible_devices: [1], port: @22, host: node1}
load: {isl: 8, osl: 4, concurrency: [1]}
timeouts: {grace: 300ms}
`

// onNodes are the hosts of a profile: node1 as an ordinary user, whose login prints a banner.
const onNodes = "node0=198.51.100.10,node1=bench@198.51.100.11"

// profile writes a profile on login, with ports in place of "@", and each old text replaced by the new one after it.
func (l *lab) profile(name string, oldNew ...string) string {
	l.Helper()
	text := overHosts
	for i := 0; i < len(oldNew); i += 2 {
		if !strings.Contains(text, oldNew[i]) {
			l.Fatalf("the profile has no %q", oldNew[i])
		}
		text = strings.ReplaceAll(text, oldNew[i], oldNew[i+1])
	}
	l.login.write("/opt/profiles/"+name+".yaml", strings.ReplaceAll(text, "@", "180"), 0o644)
	return "/opt/profiles/" + name + ".yaml"
}

// The main job on fakes. The second run finds the binary on the nodes.
func runsOverSSH(l *lab) {
	profile := l.profile("agg")
	for _, name := range []string{"first", "second"} {
		begun := time.Now()
		r := l.start(name, "topobench", "run", profile, "--hosts", onNodes)
		r.ends(0)
		l.Logf("the %s run took %v", name, time.Since(begun))
		r.audit(0)
		for _, m := range l.nodes() {
			if got := m.sh("ls -d /home/*/.cache/topobench/agent-* | wc -l"); got != "1" {
				l.Errorf("after the %s run %s has %s copies of the binary", name, m.name, got)
			}
		}
		r.checkCell(filepath.Join(r.root, "artifacts_0", "-concurrency1"), begun)
	}
}

// phase is when something happens to a run.
type phase struct {
	name    string
	oldNew  []string // of the profile
	environ []string // of topobench
	reach   func(*launched)
}

func phases() []phase {
	const timeouts = "timeouts: {grace: 300ms}"
	return []phase{
		{"BringUp", []string{timeouts, timeouts + "\nenv: {FAKE_WORKER: never-ready}"}, nil, func(r *launched) {
			r.first("both workers have started", func(e event) bool { return e.Service == "aggregated-1" && e.PID != 0 })
		}},
		{"Cell", nil, []string{"LC_FAKE_AIPERF=hang 0 once"}, (*launched).inCell},
		{"Teardown", []string{timeouts, "timeouts: {grace: 20s}\nenv: {FAKE_WORKER: stubborn}"}, []string{"LC_FAKE_AIPERF=hang"},
			func(r *launched) {
				r.inCell()
				r.kills("INT")
				r.first("the teardown begins", func(e event) bool { return e.State == "stopping" })
			}},
	}
}

// inCell waits until aiperf runs.
func (r *launched) inCell() {
	r.Helper()
	r.first("the cell begins", func(e event) bool { return e.Event == "cell-begin" })
	r.lab.login.find("/opt/fakes/aiperf profile")
}

// holds starts a run with a short grace, and returns once it is in the phase. Words are the command that starts it.
func (l *lab) holds(p phase, words ...string) *launched {
	l.Helper()
	argv := append(append([]string{"env"}, p.environ...), words...)
	argv = append(argv, "topobench", "run", l.profile("agg", p.oldNew...), "--orphan-grace", orphanGrace.String())
	if len(words) == 0 { // else the allocation has the nodes
		argv = append(argv, "--hosts", onNodes)
	}
	r := l.start("run", argv...)
	p.reach(r)
	return r
}

// orphanGrace is short for a test, and longer than the pause between two heartbeats.
const orphanGrace = 10 * time.Second

// agentLine is the command line of an agent.
var agentLine = regexp.MustCompile(`^\S*/agent-\S+ agent `)

// agent is the pid of the agent on the machine.
func (m *machine) agent() int {
	m.Helper()
	for _, p := range m.processes() {
		if agentLine.MatchString(p.line) {
			return p.pid
		}
	}
	m.Fatalf("%s has no agent: %v", m.name, m.processes())
	return 0
}

// cleans runs clean on login, which must end everything that it finds.
func (l *lab) cleans(args ...string) {
	l.Helper()
	output, err := l.login.command(append([]string{"topobench", "clean", "--artifacts-root-dir", "/tmp/run"}, args...)...).CombinedOutput()
	if err != nil {
		l.Errorf("clean %v: %v\n%s", args, err, output)
	}
}

// figures are of a lab that has the machine for itself. A bring-up over two hosts costs at most half a second more
// than one on login, once the binary is there. An idle agent needs less than half a percent of a core.
func figures(l *lab) {
	local := l.profile("local", "hosts: {node0: {}, node1: {}}\n", "", ", host: node0", "", ", host: node1", "")
	remote := l.profile("agg")
	l.up("first", remote, "--hosts", onNodes) // copies the binary
	here, there := time.Hour, time.Hour
	for i := range 3 { // the best of three: other programs may have the CPU meanwhile
		here = min(here, l.up(fmt.Sprint("here", i), local))
		there = min(there, l.up(fmt.Sprint("there", i), remote, "--hosts", onNodes))
	}
	l.Logf("figure: up after %v on login, after %v over two hosts", here, there)
	if there > here+500*time.Millisecond {
		l.Errorf("up after %v on login, after %v over two hosts", here, there)
	}
	r := l.start("idle", "topobench", "up", remote, "--hosts", onNodes)
	r.isUp()
	before := l.node1.ticks(l.node1.agent())
	const watched = 10 * time.Second
	<-time.After(watched)
	ticks := l.node1.ticks(l.node1.agent()) - before
	l.Logf("figure: an idle agent used %d ms of CPU time in %v", 10*ticks, watched)
	if ticks > 5 { // of 10 ms
		l.Errorf("an idle agent used %d ms of CPU time in %v", 10*ticks, watched)
	}
	r.comesDown()
}

// up brings a topology up and down, and returns how long the first took.
func (l *lab) up(name string, args ...string) time.Duration {
	l.Helper()
	begun := time.Now()
	r := l.start(name, append([]string{"topobench", "up"}, args...)...)
	r.isUp()
	took := time.Since(begun)
	r.comesDown()
	return took
}

func (r *launched) isUp() {
	r.Helper()
	r.await("it is up", func() bool { return strings.Contains(r.output(), " is up: http://") })
}

func (r *launched) comesDown() {
	r.Helper()
	r.kills("INT")
	r.ends(130)
	r.audit(time.Second)
}

// ticks is the CPU time of a process, in hundredths of a second.
func (m *machine) ticks(pid int) int {
	m.Helper()
	stat, err := os.ReadFile(m.path(fmt.Sprintf("/proc/%d/stat", pid)))
	m.check(err)
	words := strings.Fields(string(stat[strings.LastIndex(string(stat), ")")+1:]))
	user, err := strconv.Atoi(words[11])
	m.check(err)
	system, err := strconv.Atoi(words[12])
	m.check(err)
	return user + system
}
