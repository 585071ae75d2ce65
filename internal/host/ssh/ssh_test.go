package ssh_test

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"topobench/internal/host"
	"topobench/internal/host/agent"
	"topobench/internal/host/ssh"
	"topobench/internal/programs"
	"topobench/internal/testbed"
)

// server is a real sshd on a loopback port, with keys of its own, into which the current user can log in.
type server struct {
	bed
	port int
}

// cache keeps the copy of the binary out of the user's own cache.
const cache = "XDG_CACHE_HOME=DIR/cache"

// root is the account of the user in a test of root.
const root = "root:x:0:0:root:/root:/bin/sh\n"

// newServer starts one. setEnv are variables of its sessions; DIR is dir. accounts are those that it knows if the user is
// root.
func newServer(t testing.TB, setEnv, accounts string) server {
	argv := testbed.SSHD(t, programs.CacheDir(os.Getenv))
	s := server{bed: newBed(t)}
	pam := "yes" // without it, an ordinary user's sshd takes each account for a locked one
	if os.Getuid() == 0 {
		pam = "no" // its sessions are for machines, not for containers
		argv = append(testbed.Accounts(t, accounts), argv...)
	}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.port = l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"host", "user", "other"} {
		s.must("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(s.dir, key))
	}
	config := s.write("sshd.conf", fmt.Sprintf(`Port %d
ListenAddress 127.0.0.1
HostKey %s/host
AuthorizedKeysFile %[2]s/user.pub
PidFile none
StrictModes no
UsePAM %s
SetEnv %s
`, s.port, s.dir, pam, strings.ReplaceAll(setEnv, "DIR", s.dir)), 0o600)
	c, err := host.Starter{}.Start(host.Spec{Name: "sshd", Argv: append(argv, "-D", "-e", "-f", config),
		Env: s.Env(), Log: filepath.Join(s.dir, "sshd.log")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	})
	testbed.Eventually(t, soon, func() bool {
		return strings.Contains(s.read(filepath.Join(s.dir, "sshd.log")), "Server listening")
	})
	s.own = s.Living()
	return s
}

func (s server) must(argv ...string) {
	s.Helper()
	if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
		s.Fatalf("%v: %v: %s", argv, err, out)
	}
}

// client writes a configuration of ssh. known is the public key that the user knows for the server, "" = none.
func (s server) client(key, known, more string) string {
	s.Helper()
	hosts := ""
	if known != "" {
		hosts = fmt.Sprintf("[127.0.0.1]:%d %s", s.port, s.read(filepath.Join(s.dir, known)))
	}
	name := strings.Map(func(r rune) rune {
		if strings.ContainsRune("/ \n", r) {
			return '-'
		}
		return r
	}, s.Name())
	return s.write(name+".conf", fmt.Sprintf(`Port %d
IdentityFile %s
IdentitiesOnly yes
UserKnownHostsFile %s
GlobalKnownHostsFile /dev/null
%s
`, s.port, filepath.Join(s.dir, key), s.write(name+".known", hosts, 0o600), more), 0o600)
}

func (s server) transport(config string) ssh.Transport {
	return ssh.Transport{Address: "127.0.0.1", Config: config}
}

func (s server) logins() int {
	return strings.Count(s.read(filepath.Join(s.dir, "sshd.log")), "Accepted publickey")
}

// What a configuration has for a terminal does not disturb a connection.
func TestSSHToThisMachine(t *testing.T) {
	s := newServer(t, cache, root)
	config := s.client("user", "host.pub", fmt.Sprintf("LocalForward 127.0.0.1:%d 127.0.0.1:1", s.port)+` # a port in use
ExitOnForwardFailure yes
RemoteCommand echo hello
RequestTTY force
ControlMaster auto
ControlPath `+s.dir+`/shared
ControlPersist yes`)
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	transport := s.transport(config)
	transport.User = me.Username
	d := s.dial(transport)
	d.Exe = os.Args[0]
	hello := s.connect(d)
	if filepath.Dir(hello.Exe) != filepath.Join(s.dir, "cache", "topobench") || s.logins() != 3 {
		t.Errorf("%s after %d logins, want 3: look, copy, start", hello.Exe, s.logins())
	}
	if !slices.ContainsFunc(hello.Environ, func(v string) bool { return strings.HasPrefix(v, "SSH_CONNECTION=") }) {
		t.Error("the agent has not the environment of its login")
	}
	if s.connect(d); s.logins() != 4 {
		t.Errorf("%d logins with a copy there, want one more", s.logins()-3)
	}
	if _, err := os.Stat(s.dir + "/shared"); err == nil {
		t.Error("it shares the user's connection")
	}
}

// As root, the test logs in as another user, who has no home directory: nobody, with a shell in a file that only its
// sshd sees.
func TestSSHAsAnOrdinaryUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root may log in as another user; TestSSHToThisMachine is as an ordinary user already")
	}
	s := newServer(t, "XDG_CACHE_HOME=DIR/temp", root+"nobody:x:65534:65534:nobody:/nonexistent:/bin/sh\n")
	for _, dir := range []string{filepath.Dir(s.dir), s.dir} { // of the user's key
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(s.dir+"/temp", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(s.dir+"/temp", 65534, 65534); err != nil {
		t.Fatal(err)
	}
	transport := s.transport(s.client("user", "host.pub", ""))
	transport.User = "nobody"
	d := s.dial(transport)
	d.Exe = os.Args[0] // its file here is closed to others
	hello := s.connect(d)
	if dir := filepath.Dir(hello.Exe); dir != s.dir+"/temp/topobench" {
		t.Errorf("it runs from %s", hello.Exe)
	}
	info, err := os.Stat(hello.Exe)
	if err != nil || info.Sys().(*syscall.Stat_t).Uid != 65534 {
		t.Errorf("%v, %v", info, err)
	}
}

// This program is killed: its ssh, and what runs on the host, end without it.
func TestSSHEndsWithThisProgram(t *testing.T) {
	s := newServer(t, cache, root)
	config := s.client("user", "host.pub", "")
	p, err := host.Starter{}.Pipe(host.Spec{Name: "orchestrator", Argv: []string{os.Args[0], "orchestrate", config, s.dir},
		Env: s.Env("PATH=" + os.Getenv("PATH")), Log: filepath.Join(s.dir, "orchestrator.log")})
	if err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(p.Out).ReadString('\n'); err != nil || line != "connected\n" {
		t.Fatalf("%q, %v: %s", line, err, s.read(filepath.Join(s.dir, "orchestrator.log")))
	}
	if err := syscall.Kill(p.PID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	s.nothingLives()
	if err := p.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

// The errors of connections that fail, each from the real ssh.
func TestSSHFailures(t *testing.T) {
	s := newServer(t, cache, root)
	for _, row := range []struct {
		name, key, known, more string
		words                  []string
	}{
		{"unknown host key", "user", "", "StrictHostKeyChecking ask",
			[]string{"host key of 127.0.0.1 is unknown", "confirm it once by hand: ssh 127.0.0.1"}},
		{"unknown host key, strict", "user", "", "StrictHostKeyChecking yes",
			[]string{"host key of 127.0.0.1 is unknown", "confirm it once by hand: ssh 127.0.0.1"}},
		{"changed host key", "user", "other.pub", "", []string{"is another than before", "ssh-keygen -R"}},
		{"permission denied", "other", "host.pub", "", []string{"does not accept your keys", "ssh-copy-id 127.0.0.1"}},
		{"bad configuration", "user", "host.pub", "NoSuchOption yes", []string{"does not accept its configuration"}},
		{"refused", "user", "host.pub", "ProxyCommand ssh -p 1 -o BatchMode=yes -W %h:%p 127.0.0.1",
			[]string{"no ssh server on that port", "start sshd there"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := s
			s.TB = t
			s.fails(s.dial(s.transport(s.client(row.key, row.known, row.more))), row.words...)
		})
	}
	for address, word := range map[string]string{"no.such.host.invalid": "does not resolve", "127.0.0.1": "no ssh server"} {
		transport := ssh.Transport{Address: address, Config: s.write("empty", "Port 1\n", 0o600)}
		s.fails(s.dial(transport), word, "(ssh "+address+")")
	}
	open := s.write("open", s.read(filepath.Join(s.dir, "user")), 0o644)
	s.fails(s.dial(s.transport(s.client(filepath.Base(open), "host.pub", ""))), "that others may read", "chmod 600")
}

// Networks of their own: one without any way, one whose way to the host is closed.
func TestSSHWithoutRoute(t *testing.T) {
	if err := exec.Command("unshare", "-rn", "ip", "link", "set", "lo", "up").Run(); err != nil {
		t.Skip("this user may not make a network namespace: ", err)
	}
	b := newBed(t)
	for before, printed := range map[string]string{
		"true": "Network is unreachable",
		"ip link set lo up; ip route add unreachable 10.9.9.9": "No route to host",
	} {
		command := strings.Join(ssh.Transport{Address: "10.9.9.9"}.Argv("true"), " ")
		command, _, _ = strings.Cut(command, " exec ")
		_, messages, code, err := host.Tool(t.Context(), b.Env("PATH="+os.Getenv("PATH")),
			"unshare", "-rn", "sh", "-c", before+"; exec "+command+" true")
		if err != nil || code != 255 || !strings.Contains(messages, printed) {
			t.Fatalf("%q, %d, %v", messages, code, err)
		}
		why := ssh.Transport{Address: "10.9.9.9"}.Explain(messages, code)
		if why == nil || !strings.Contains(why.Error(), "no route to 10.9.9.9") {
			t.Errorf("%s: %v", messages, why)
		}
	}
}

func TestSSHIsMissing(t *testing.T) {
	b := newBed(t)
	t.Setenv("PATH", b.dir)
	b.fails(b.dial(ssh.Transport{Address: "10.9.9.9"}), "this machine has no ssh", "openssh-client")
}

// The session is killed on the host while the agent runs.
func TestSSHSessionIsKilled(t *testing.T) {
	s := newServer(t, cache, root)
	client, err := s.dial(s.transport(s.client("user", "host.pub", ""))).Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// The agent's parent is its session's process.
	s.must("sh", "-c", fmt.Sprintf("kill -9 $(ps -o ppid= -p %d)", client.Hello().PID))
	_, err = client.Close(t.Context())
	if err == nil || !strings.Contains(err.Error(), "the connection to 127.0.0.1 was closed") {
		t.Errorf("%v", err)
	}
}

// BenchmarkConnect is the time from the start of ssh to the hello, with the binary there; beside it, that of ssh alone.
func BenchmarkConnect(b *testing.B) {
	s := newServer(b, cache, root)
	transport := s.transport(s.client("user", "host.pub", ""))
	d := s.dial(transport)
	d.Exe = os.Args[0]
	s.connect(d)
	b.Run("agent", func(b *testing.B) {
		for b.Loop() {
			client, err := d.Connect(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			b.StopTimer()
			if _, err := client.Close(b.Context()); err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
		}
	})
	b.Run("ssh", func(b *testing.B) {
		for b.Loop() {
			s.must(transport.Argv("true")...)
		}
	})
}

var _ agent.Transport = ssh.Transport{}
