package e2e_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"topobench/internal/programs"
	"topobench/internal/testbed"
)

// The hosts of a profile may be this machine, twice: the current user logs in by ssh. The engines are fakes.
func TestSSHToThisMachine(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("topobench starts processes on Linux only")
	}
	f := fixture{T: t, Tracker: testbed.Audit(t), dir: t.TempDir(), ports: freePorts(t)}
	bin := filepath.Join(f.dir, "bin")
	f.check(os.Mkdir(bin, 0o755))
	f.check(testbed.Install(bin))
	argv := testbed.SSHD(t, programs.CacheDir(os.Getenv))
	for name, value := range map[string]string{"PATH": bin + ":" + os.Getenv("PATH"), "HOME": f.dir,
		"TOPOBENCH_CACHE": filepath.Join(f.dir, "tools")} {
		t.Setenv(name, value)
	}
	f.sshd(bin, argv)
	hosts := fmt.Sprintf("mocker\nhosts: {node0: {python: %s/python3}, node1: {python: %[1]s/python3}}\ndiscovery: {nats: start}\n", bin)
	text := strings.NewReplacer("mocker\n", hosts, "port: @20", "port: @20, host: node0", "port: @21", "port: @21, host: node0",
		"port: @22", "port: @22, host: node1").Replace(f.read("../cli/testdata/profiles/agg.yaml"))
	r := f.start("run", "run", f.profile("agg", text), "--hosts", "node0=127.0.0.1,node1=127.0.0.2", "--concurrency", "1")
	r.ends(0)
	if copies := f.find(filepath.Join(f.dir, "cache"), "topobench"); len(copies) != 1 {
		t.Errorf("the binary was not copied by ssh: %v", copies)
	}
	if !testbed.Soon(patience, func() bool { return len(r.left()) == 0 }) { // sshd needs a moment
		t.Errorf("left behind: %v", r.left())
	}
	if ports := taken(r.ports, topobenchPorts); len(ports) > 0 {
		t.Errorf("ports are still taken: %v", ports)
	}
}

// sshd starts a server for the current user on a loopback port, and puts an ssh that connects to it into bin. argv is its command line without options. Their
// keys and files are in the test's directory.
func (f fixture) sshd(bin string, argv []string) {
	f.Helper()
	client, err := exec.LookPath("ssh")
	if err != nil {
		f.Skipf("install openssh-client: %v", err)
	}
	me, err := user.Current()
	f.check(err)
	if os.Getuid() == 0 {
		argv = append(testbed.Accounts(f, f.read("/etc/passwd")), argv...)
	}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	f.check(err)
	port := l.Addr().(*net.TCPAddr).Port
	f.check(l.Close())
	for _, name := range []string{"host", "user"} {
		output, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(f.dir, name)).CombinedOutput()
		if err != nil {
			f.Fatalf("cannot make a key: %v\n%s", err, output)
		}
	}
	f.write("known", fmt.Sprintf("[127.0.0.1]:%d,[127.0.0.2]:%[1]d %s", port, f.read(filepath.Join(f.dir, "host.pub"))), 0o600)
	f.write("client", fmt.Sprintf("Port %d\nUser %s\nIdentityFile %s/user\nUserKnownHostsFile %[3]s/known\n", port, me.Username, f.dir), 0o600)
	f.write("server", fmt.Sprintf("Port %d\nListenAddress 127.0.0.1\nListenAddress 127.0.0.2\nHostKey %s/host\nAuthorizedKeysFile %[2]s/user.pub\n"+
		"PidFile none\nStrictModes no\nUsePAM no\nSetEnv XDG_CACHE_HOME=%[2]s/cache TOPOBENCH_CACHE=%[2]s/tools PATH=%s\n",
		port, f.dir, os.Getenv("PATH")), 0o600)
	f.write("bin/ssh", fmt.Sprintf("#!/bin/sh\nexec %s -F %s/client \"$@\"\n", client, f.dir), 0o755)
	argv = append(argv, "-D", "-e", "-f", filepath.Join(f.dir, "server"))
	server := exec.Command(argv[0], argv[1:]...)
	server.Env = f.Env(os.Environ()...)
	f.check(server.Start())
	f.Cleanup(func() {
		_ = server.Process.Kill() // it may have ended
		_ = server.Wait()
	})
	if !testbed.Soon(20*time.Second, func() bool { return exec.Command(filepath.Join(bin, "ssh"), "127.0.0.1", "true").Run() == nil }) {
		f.Fatal("sshd does not answer")
	}
}

func (f fixture) write(name, text string, mode os.FileMode) {
	f.Helper()
	f.check(os.WriteFile(filepath.Join(f.dir, name), []byte(text), mode))
}
