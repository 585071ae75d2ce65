//go:build hosts

package e2e_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"topobench/internal/testbed"
)

func busyTests() map[string]func(*lab) {
	return map[string]func(*lab){"PortTaken": portTaken, "GPUTaken": gpuTaken, "TwoCampaigns": twoCampaigns,
		"DiskFull": diskFull, "DiskFullForTheBinary": diskFullForTheBinary, "DiskFullInACell": diskFullInACell,
		"WayBlocked": wayBlocked, "NotConnected": notConnected, "NoHosts": noHosts}
}

// prints checks the output of topobench.
func (r *launched) prints(words ...string) {
	r.Helper()
	for _, want := range words {
		if !strings.Contains(r.output(), want) {
			r.Errorf("the output lacks %q:\n%s", want, r.output())
		}
	}
}

// A port of node1 that a foreign process has.
func portTaken(l *lab) {
	l.node1.daemon("setpriv", "--reuid=1000", "--regid=1000", "--clear-groups", "/opt/fakes/etcd", "--listen-client-urls",
		"http://0.0.0.0:18022")
	testbed.Eventually(l, booted, func() bool { return l.node1.tries("ss -Htln | grep -q :18022") })
	r := l.start("run", "topobench", "run", l.profile("agg"), "--hosts", onNodes)
	r.ends(6)
	r.prints("node1", "18022", fmt.Sprint(l.node1.find("/opt/fakes/etcd").pid), "bench") // it still runs
	r.audit(0)
}

// A GPU of node1 on which a foreign process computes.
func gpuTaken(l *lab) {
	l.node1.daemon("setpriv", "--reuid=1000", "--regid=1000", "--clear-groups", "sleep", "1234")
	foreign := l.node1.find("sleep 1234").pid
	l.node1.write(gpus, fmt.Sprintf("device 0 GPU-0\ndevice 1 GPU-1 4000\nprocess GPU-1 %d 4000 sleep\n", foreign), 0o644)
	r := l.start("run", "topobench", "run", l.profile("agg", "engine: mocker", "engine: vllm", "discovery: {nats: start}\n", ""), "--hosts", onNodes)
	r.ends(6)
	r.prints("node1", "GPU 1", fmt.Sprint(foreign), "bench")
	r.audit(0)
}

// While one campaign has the ports of both nodes, a second one that needs them ends, and a third one runs beside it.
func twoCampaigns(l *lab) {
	first := l.start("run", "env", "LC_FAKE_AIPERF=hang", "topobench", "run", l.profile("agg"), "--hosts", onNodes)
	first.inCell()
	second := l.start("second", "topobench", "run", l.profile("agg"), "--hosts", onNodes)
	second.ends(6)
	second.prints("node0", fmt.Sprintf("is held by another topobench run (process %d)", l.node0.agent()))
	second.audit(time.Second)
	third := l.start("third", "topobench", "run", l.profile("other", "@", "190"), "--hosts", onNodes)
	third.ends(0)
	third.audit(time.Second)
	first.kills("INT")
	first.ends(130)
	first.audit(time.Second)
}

// node1 has no space for the files of a run.
func diskFull(l *lab) {
	l.node1.sh("mount -t tmpfs -o size=64k,mode=1777 small /tmp && mount -t tmpfs -o size=64k,mode=1777 small /var/tmp")
	r := l.start("run", "topobench", "run", l.profile("agg"), "--hosts", onNodes)
	r.ends(2)
	r.prints("node1", "space")
	r.audit(time.Second)
}

// node1 has no space for the binary.
func diskFullForTheBinary(l *lab) {
	l.node1.sh("for d in /tmp /var/tmp /home/bench; do mount -t tmpfs -o size=1m,mode=1777 small $d; done")
	r := l.start("run", "topobench", "run", l.profile("agg"), "--hosts", onNodes)
	r.ends(2)
	r.prints("node1", "space")
	r.audit(time.Second)
}

// The disk of node1 fills up in a cell. The cell is measured to its end, and nothing is left.
func diskFullInACell(l *lab) {
	l.node1.sh("for d in /tmp /var/tmp; do mount -t tmpfs -o size=64m,mode=1777 small $d; done")
	r := l.start("run", "env", "LC_FAKE_AIPERF=slow 9000", "topobench", "run", l.profile("agg"), "--hosts", onNodes,
		"--min-free", "0")
	r.inCell()
	for _, dir := range []string{"/tmp", "/var/tmp"} {
		l.node1.tries(fmt.Sprintf("cat /dev/zero > %s/full", dir))
		if l.node1.tries(fmt.Sprintf("echo more >> %s/full", dir)) {
			l.Fatalf("%s is not full", dir)
		}
	}
	r.ends(0)
	r.checkCell(filepath.Join(r.root, "artifacts_0", "-concurrency1"), time.Time{})
	l.node1.sh("rm /tmp/full /var/tmp/full")
	r.audit(time.Second)
}

// node1 cannot reach node0, though login can reach both: its packets are refused, or they vanish.
func wayBlocked(l *lab) {
	for way, undo := range map[string]string{
		"ip route add prohibit 198.51.100.10/32":                                         "ip route del prohibit 198.51.100.10/32",
		"ip neigh replace 198.51.100.10 lladdr 02:00:00:00:00:99 nud permanent dev eth0": "ip neigh del 198.51.100.10 dev eth0",
	} {
		l.node1.sh("%s", way)
		r := l.start("run", "topobench", "run", l.profile("agg"), "--hosts", onNodes)
		r.ends(4)
		r.prints("from node0 to node1 (198.51.100.11): ports ", "from node1 to node0 (198.51.100.10): ports ", "18003 (client of nats)")
		for _, e := range r.journal() {
			if e.Service != "" && e.PID != 0 {
				l.Errorf("%s was started", e.Service)
			}
		}
		r.audit(time.Second)
		l.node1.sh("%s", undo)
		l.login.sh("rm -r /tmp/run*")
	}
}

// Both hosts refuse, and both are named at once, with the reason.
func notConnected(l *lab) {
	l.login.write("/home/root/.ssh/known_hosts", l.login.sh("grep node1 /home/root/.ssh/known_hosts")+"\n", 0o600)
	r := l.start("run", "topobench", "run", l.profile("agg"), "--hosts", "node0=198.51.100.10,node1=stranger@198.51.100.11")
	r.ends(2)
	r.prints("node0", "host key", "node1", "stranger", "denied")
	r.audit(time.Second)
}

// Without hosts the line to type is printed.
func noHosts(l *lab) {
	r := l.start("run", "topobench", "run", l.profile("agg"))
	r.ends(2)
	r.prints("--hosts node0=", "salloc -N2")
	r.audit(0)
}
