//go:build hosts

package e2e_test

import (
	"testing"

	"topobench/internal/testbed"
)

// TestHosts has all tests of several hosts, so that they are one skip without root.
func TestHosts(t *testing.T) {
	needsMachines(t)
	testbed.Audit(t) // when all labs have ended
	binary := plainBuild(t)
	t.Run("Fakes", func(t *testing.T) { onFakes(t, binary) })
	t.Run("Figures", func(t *testing.T) { figures(newLab(t, binary, fakePath)) })
	t.Run("Real", func(t *testing.T) { realHosts(t, binary) })
}

// onFakes runs four labs at a time: the tests on fakes wait more than they compute.
func onFakes(t *testing.T, binary string) {
	slots := make(chan struct{}, 4)
	for _, tests := range []map[string]func(*lab){labTests(), lossTests(), busyTests(), slurmTests()} {
		for name, test := range tests {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				slots <- struct{}{}
				defer func() { <-slots }()
				test(newLab(t, binary, fakePath))
			})
		}
	}
}

func labTests() map[string]func(*lab) {
	return map[string]func(*lab){"Lab": labIsClosed, "Run": runsOverSSH}
}

// The machines have their own processes, files, network and hostname, and Slurm has both nodes.
func labIsClosed(l *lab) {
	l.slurm()
	for line, want := range map[string]string{
		"ssh root@198.51.100.10 'hostname; ls /tmp; which python3'":                "node0\n/opt/fakes/python3",
		"ssh bench@node1 'hostname; id -un'":                                       "Welcome to node1\nnode1\nbench",
		"salloc -Q -N2 scontrol show hostnames":                                    "node0\nnode1",
		"salloc -Q -N2 srun -l --overlap -w node1 -N1 -n1 hostname":                "0: node1",
		"scontrol show node node1 | grep -o 'NodeAddr=[0-9.]*'":                    "NodeAddr=198.51.100.11",
		"ip -o link show type bridge | cut -d: -f2; ls /sys/class/net/switch/brif": "switch\nto-node0\nto-node1",
	} {
		if got := l.login.sh("%s", line); got != want {
			l.Errorf("%s prints %q, want %q", line, got, want)
		}
	}
	if got := len(l.node0.processes()); got > 10 {
		l.Errorf("node0 has %d processes, so it sees those of others", got)
	}
	l.cut(l.node1)
	if !l.login.tries("ssh node0 true") || l.login.tries("ssh -o ConnectTimeout=1 node1 true") {
		l.Error("a cut of node1's link does not cut off node1 alone")
	}
	l.mend(l.node1)
	l.login.sh("ssh node1 true")
}
