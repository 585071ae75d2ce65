//go:build hosts || engines

package e2e_test

import (
	"crypto/rand"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"topobench/internal/testbed"
)

// lab is three machines on a network of their own. topobench runs on login.
type lab struct {
	*testing.T
	login, node0, node1 *machine
}

const (
	realPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	fakePath = "/opt/fakes:" + realPath
	product  = "/usr/local/bin/topobench"
	gpus     = "/opt/gpus/script" // the script of the fake nvidia-smi
	booted   = 30 * time.Second   // for daemons to answer
)

// newLab boots the machines, with sshd on both nodes. With fakePath the fakes of testbed are on them.
func newLab(t *testing.T, binary, path string) *lab {
	t.Helper()
	l := &lab{T: t}
	l.login = boot(t, "login", "198.51.100.1", path)
	l.node0 = boot(t, "node0", "198.51.100.10", path)
	l.node1 = boot(t, "node1", "198.51.100.11", path)
	l.connect()
	for _, m := range l.machines() {
		m.accounts(l)
		if path == fakePath {
			m.fakes()
		}
	}
	l.login.copies(binary, product)
	l.keys()
	for _, m := range l.nodes() {
		m.daemon("/usr/sbin/sshd", "-D", "-e")
	}
	for _, m := range l.nodes() {
		testbed.Eventually(t, booted, func() bool { return l.login.tries("ssh " + m.name + " true") })
	}
	return l
}

func (l *lab) machines() []*machine { return []*machine{l.login, l.node0, l.node1} }
func (l *lab) nodes() []*machine    { return []*machine{l.node0, l.node1} }

// connect makes login the switch that both nodes are linked to.
func (l *lab) connect() {
	l.Helper()
	l.login.sh("ip link add switch type bridge && ip addr add %s/24 dev switch && ip link set switch up", l.login.address)
	for _, m := range l.nodes() {
		network, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", m.pid))
		m.check(err)
		link := l.login.command("ip", "link", "add", "to-"+m.name, "type", "veth", "peer", "name", "eth0", "netns", "/proc/self/fd/3")
		link.ExtraFiles = []*os.File{network}
		output, err := link.CombinedOutput()
		network.Close()
		if err != nil {
			l.Fatalf("cannot link %s: %v\n%s", m.name, err, output)
		}
		l.login.sh("ip link set to-%s master switch up", m.name)
		m.sh("ip addr add %s/24 dev eth0 && ip link set eth0 up", m.address)
	}
}

// cut and mend are the cable of a node.
func (l *lab) cut(m *machine) { l.Helper(); l.login.sh("ip link set to-%s down", m.name) }

// mend returns when sshd is reached: for a few seconds the kernel still answers that there is no route.
func (l *lab) mend(m *machine) {
	l.Helper()
	l.login.sh("ip link set to-%s up", m.name)
	reached := func() bool { return l.login.tries("timeout 1 bash -c '</dev/tcp/" + m.address + "/22'") }
	if !testbed.Soon(10*time.Second, reached) {
		l.Fatalf("%s is not reached over its mended link", m.name)
	}
}

// accounts are root, and the ordinary user bench. Neither has the home of this machine's user.
func (m *machine) accounts(l *lab) {
	m.Helper()
	m.write("/etc/passwd", "root:x:0:0::/home/root:/bin/sh\nsshd:x:100:65534::/run/sshd:/bin/false\n"+
		"munge:x:101:65534::/run/munge:/bin/false\nbench:x:1000:1000::/home/bench:/bin/bash\nnobody:x:65534:65534::/:/bin/false\n", 0o644)
	m.write("/etc/shadow", "root:*:1::::::\nsshd:*:1::::::\nmunge:*:1::::::\nbench:*:1::::::\nnobody:*:1::::::\n", 0o600)
	m.write("/etc/group", "root:x:0:\nbench:x:1000:\nnogroup:x:65534:\n", 0o644)
	hosts := "127.0.0.1 localhost\n"
	for _, m := range l.machines() {
		hosts += m.address + " " + m.name + "\n"
	}
	m.write("/etc/hosts", hosts, 0o644)
	m.write("/home/bench/.bashrc", "echo Welcome to "+m.name+"\n", 0o644) // a banner on stdout
	m.sh("mkdir -p /home/root /run/sshd && chmod 755 /run/sshd && chown -R bench:bench /home/bench")
	// The tool cache may be below a home that is closed to others.
	m.sh(`d=$TOPOBENCH_CACHE; while [ "$d" != / ]; do chmod go+rx "$d"; d=$(dirname "$d"); done`)
}

// fakes puts testbed's fakes on the machine, first on the path.
func (m *machine) fakes() {
	m.Helper()
	m.copies(testbed.Program(), "/opt/fakes/fake")
	for _, name := range []string{"python3", "vllm", "aiperf", "nginx", "etcd", "nats-server", "nvidia-smi"} {
		m.check(os.Link(m.path("/opt/fakes/fake"), m.path("/opt/fakes/"+name)))
	}
	m.sh("cp -r %s /opt/tiny", tiny())
	m.write(gpus, "device 0 GPU-0\ndevice 1 GPU-1\n", 0o644)
	m.sh("mkdir /opt/cache && chmod 1777 /opt/cache /opt/gpus")
}

// keys lets login's root log in on the nodes, as root and as bench.
func (l *lab) keys() {
	l.Helper()
	var known strings.Builder
	l.login.sh("mkdir /opt/keys && for name in login node0 node1; do ssh-keygen -q -t ed25519 -N '' -C $name -f /opt/keys/$name; done")
	read := func(name string) string { return l.login.sh("cat /opt/keys/%s", name) + "\n" }
	for _, m := range l.nodes() {
		fmt.Fprintf(&known, "%s,%s %s", m.name, m.address, read(m.name+".pub"))
		m.write("/etc/ssh/host_key", read(m.name), 0o600)
		m.write("/etc/ssh/authorized_keys", read("login.pub"), 0o644)
		m.write("/etc/ssh/sshd_config", "HostKey /etc/ssh/host_key\nAuthorizedKeysFile /etc/ssh/authorized_keys\n"+
			"PermitRootLogin yes\nPasswordAuthentication no\nUsePAM no\nStrictModes no\nPidFile none\nUseDNS no\n"+
			"SetEnv "+strings.Join(m.environ[2:], " ")+"\n", 0o644)
	}
	l.login.write("/home/root/.ssh/id_ed25519", read("login"), 0o600)
	l.login.write("/home/root/.ssh/known_hosts", known.String(), 0o600)
	l.login.write("/etc/ssh/ssh_config", "", 0o644)
}

// slurm makes the machines a Slurm cluster: login has the controller.
func (l *lab) slurm() {
	l.Helper()
	key := make([]byte, 1024)
	_, _ = rand.Read(key) // it never fails
	config := "ClusterName=lab\nSlurmctldHost=login\nSlurmUser=root\nAuthType=auth/munge\nProctrackType=proctrack/linuxproc\n" +
		"TaskPlugin=task/none\nSelectType=select/cons_tres\nReturnToService=2\nStateSaveLocation=/var/spool/slurmctld\n" +
		"SlurmdSpoolDir=/var/spool/slurmd\nSlurmctldPidFile=/run/slurmctld.pid\nSlurmdPidFile=/run/slurmd.pid\n" +
		"SlurmdParameters=config_overrides\nMpiDefault=none\nInactiveLimit=0\nSlurmdTimeout=30\n"
	for _, m := range l.nodes() {
		config += fmt.Sprintf("NodeName=%s NodeAddr=%s CPUs=4 RealMemory=1000 State=UNKNOWN\n", m.name, m.address)
	}
	config += "PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP OverSubscribe=YES\n"
	for _, m := range l.machines() {
		m.write("/etc/munge/munge.key", string(key), 0o400)
		m.write("/etc/slurm/slurm.conf", config, 0o644)
		m.write("/etc/slurm/cgroup.conf", "CgroupPlugin=cgroup/v1\n", 0o644) // else slurmd requires a mounted one
		m.sh("mkdir -p /run/munge /var/log/munge /var/lib/munge /var/spool/slurmctld /var/spool/slurmd && " +
			"chown -R root: /etc/munge /var/log/munge /var/lib/munge && chmod 755 /run/munge && chmod 700 /etc/munge")
		m.daemon("/usr/sbin/munged", "--foreground", "--force")
	}
	for _, m := range l.machines() {
		testbed.Eventually(l, booted, func() bool { return m.tries("munge -n") })
	}
	l.login.daemon("/usr/sbin/slurmctld", "-D")
	for _, m := range l.nodes() {
		m.daemon("/usr/sbin/slurmd", "-D")
	}
	testbed.Eventually(l, booted, func() bool { return l.login.tries(`[ "$(sinfo -h -t idle -o %D)" = 2 ]`) })
}
