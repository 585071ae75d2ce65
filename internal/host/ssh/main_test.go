package ssh_test

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"topobench/internal/host"
	"topobench/internal/host/agent"
	"topobench/internal/host/ssh"
	"topobench/internal/testbed"
)

const soon = 20 * time.Second

// The test binary is the agent.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == agent.Command {
		serve(os.Args[2:])
		return
	}
	if len(os.Args) == 4 && os.Args[1] == "orchestrate" {
		orchestrate(os.Args[2], os.Args[3])
		return
	}
	if len(os.Args) == 3 && os.Args[1] == "upgrade" {
		upgrade(os.Args[2])
		return
	}
	testbed.Main(m)
}

// upgrade connects, puts another program in the place of this one, and recovers the connection.
func upgrade(dir string) {
	exe, err := os.Executable()
	must(err)
	d := agent.Dial{Name: "node1", Transport: shell{}, Exe: exe, Run: "r1-node1", Grace: agent.DefaultGrace,
		Environ: os.Environ(), Log: filepath.Join(dir, "log")}
	connect := func() {
		c, err := d.Connect(context.Background())
		must(err)
		fmt.Println(c.Hello().Exe)
		_, err = c.Close(context.Background())
		must(err)
	}
	connect()
	other := filepath.Join(dir, "other")
	must(os.WriteFile(other, []byte("#!/bin/sh\nexit 3\n"), 0o700))
	must(os.Rename(other, exe))
	d.Recover = true
	connect()
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// orchestrate is a process that can be killed: it connects and waits.
func orchestrate(config, dir string) {
	_, err := agent.Dial{Name: "node1", Transport: ssh.Transport{Address: "127.0.0.1", Config: config}, Exe: os.Args[0],
		Run: "r1-node1", Grace: agent.DefaultGrace, Environ: os.Environ(), Log: filepath.Join(dir, "log"),
	}.Connect(context.Background())
	if err != nil {
		panic(err)
	}
	fmt.Println("connected")
	<-time.After(time.Minute)
}

// exeKey is the variable with the path of a copy on a host, which is a script that starts the test binary: it is
// smaller.
const exeKey = "TEST_AGENT_EXE"

func serve(args []string) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	exe := os.Getenv(exeKey)
	if exe == "" {
		exe = os.Args[0]
	}
	hello := agent.Hello{Protocol: agent.Version, PID: os.Getpid(), Exe: exe, Environ: os.Environ(),
		Run: args[slices.Index(args, "--run")+1]}
	if slices.Contains(args, "--recover") {
		hello.Recovered = []string{"recovered"}
	}
	if err := agent.Serve(ctx, agent.Server{Machine: machine{}, Hello: hello}, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		testbed.End(1)
	}
}

// machine has nothing.
type machine struct{ agent.Machine }

func (machine) Remove(context.Context) (host.Removed, error) { return host.Removed{}, nil }
func (machine) Left(context.Context) ([]string, error)       { return nil, nil }

// bed is a host of its own: a home directory, and the log of the local programs.
type bed struct {
	testing.TB
	testbed.Tracker
	dir string
	own []testbed.Seen // processes of the test itself
}

func newBed(t testing.TB) bed { return bed{TB: t, Tracker: testbed.Audit(t), dir: t.TempDir()} }

func (b bed) dial(transport agent.Transport, environ ...string) agent.Dial {
	exe := b.write("agent", "#!/bin/sh\n"+exeKey+"=$0 exec "+os.Args[0]+` "$@"`+"\n", 0o700)
	return agent.Dial{Name: "node1", Transport: transport, Exe: exe, Run: "r1-node1", Grace: agent.DefaultGrace,
		Environ: b.Env(append(environ, "PATH="+os.Getenv("PATH"))...), Log: filepath.Join(b.dir, "log")}
}

// connect connects, closes the connection, and returns what the agent described.
func (b bed) connect(d agent.Dial) agent.Hello {
	b.Helper()
	client, err := d.Connect(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	hello := client.Hello()
	if _, err := client.Close(context.Background()); err != nil {
		b.Errorf("Close: %v", err)
	}
	b.nothingLives()
	return hello
}

// fails connects in vain. The error has each of the words.
func (b bed) fails(d agent.Dial, words ...string) {
	b.Helper()
	client, err := d.Connect(b.Context())
	if err == nil {
		_, err := client.Close(context.Background())
		b.Fatalf("it connected; Close: %v", err)
	}
	for _, word := range append(words, "cannot connect to node1 (") {
		if !strings.Contains(err.Error(), word) {
			b.Errorf("%v\nlacks %q", err, word)
		}
	}
	b.nothingLives()
}

// nothingLives allows a killed session of sshd a moment to end.
func (b bed) nothingLives() {
	b.Helper()
	var left []testbed.Seen
	if !testbed.Soon(soon, func() bool {
		left = slices.DeleteFunc(b.Living(), func(p testbed.Seen) bool {
			return slices.ContainsFunc(b.own, func(q testbed.Seen) bool { return p.PID == q.PID })
		})
		return len(left) == 0
	}) {
		b.Errorf("left: %v", left)
	}
}

func (b bed) write(name, content string, mode os.FileMode) (path string) {
	b.Helper()
	path = filepath.Join(b.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		b.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil { // whatever the umask
		b.Fatal(err)
	}
	return path
}

func (b bed) read(path string) string {
	b.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		b.Fatal(err)
	}
	return string(content)
}
