package host_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"topobench/internal/host"
	"topobench/internal/testbed"
)

// soon is long for what takes milliseconds, for a machine that is busy.
const soon = 10 * time.Second

func TestMain(m *testing.M) {
	if len(os.Args) == 3 {
		switch os.Args[1] {
		case "orchestrator":
			orchestrate(os.Args[2])
			return
		case "upgraded":
			upgraded(os.Args[2])
			return
		case "crowded":
			crowd(os.Args[2])
			return
		case "files":
			allowFiles(os.Args[2])
			return
		}
	}
	testbed.Main(m)
}

// bed is one test's place: its log directory and its witness.
type bed struct {
	testing.TB
	testbed.Tracker
	dir string
}

func newBed(t testing.TB) bed { return bed{t, testbed.Audit(t), t.TempDir()} }

func (b bed) spec(name, habit string, args ...string) host.Spec {
	return host.Spec{
		Name: name, Argv: testbed.Argv(habit, args...), Env: b.Env(),
		Log: filepath.Join(b.dir, name+".log"), Grace: soon,
	}
}

// start starts a child and waits for the given words in its log. Whatever the
// test does, the child is stopped at its end.
func (b bed) start(spec host.Spec, words ...string) *host.Child {
	b.Helper()
	c, err := host.Starter{Exe: testbed.Program()}.Start(spec)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		c.Force()
		if err := c.Stop(b.Context()); err != nil {
			b.Error(err)
		}
	})
	for _, word := range words {
		testbed.Eventually(b, soon, func() bool { return strings.Contains(b.log(spec.Name), word) })
	}
	return c
}

func (b bed) log(name string) string {
	b.Helper()
	text, err := os.ReadFile(filepath.Join(b.dir, name+".log"))
	if err != nil {
		b.Fatal(err)
	}
	return string(text)
}

// ready waits until so many processes said it.
func (b bed) ready(name string, processes int) {
	b.Helper()
	testbed.Eventually(b, soon, func() bool { return strings.Count(b.log(name), "ready") >= processes })
}

// stop stops the child and says how long that took.
func (b bed) stop(c *host.Child) time.Duration {
	b.Helper()
	begin := time.Now()
	if err := c.Stop(context.Background()); err != nil {
		b.Fatal(err)
	}
	b.nothingLives()
	return time.Since(begin)
}

// nothingLives allows no time: Stop promises that everything is gone already.
func (b bed) nothingLives() {
	b.Helper()
	if left := b.Living(); len(left) > 0 {
		b.Fatalf("left: %v", left)
	}
}

func (b bed) done(c *host.Child) host.Exit {
	b.Helper()
	select {
	case <-c.Done():
	case <-time.After(soon):
		b.Fatalf("%s is not done", c.Name())
	}
	return c.Exit()
}

// shepherdOf returns the pid of the child's parent.
func (b bed) shepherdOf(c *host.Child) int {
	b.Helper()
	for _, p := range b.Living() {
		if p.PID == c.PID() {
			return p.PPID
		}
	}
	b.Fatalf("%s is not alive", c.Name())
	return 0
}

// orchestrate is a process that can be killed: it starts two services with
// stubborn grandchildren, says their pids, and waits.
func orchestrate(dir string) {
	b := json.NewEncoder(os.Stdout)
	if err := host.SetSubreaper(); err != nil {
		panic(err)
	}
	for _, name := range []string{"one", "two"} {
		c, err := host.Starter{}.Start(host.Spec{
			Name: name, Argv: testbed.Argv("grandchild"), Env: os.Environ(),
			Log: filepath.Join(dir, name+".log"), Grace: time.Minute,
		})
		if err != nil {
			panic(err)
		}
		for bytes.Count(readFile(filepath.Join(dir, name+".log")), []byte("ready")) < 2 {
			<-time.After(time.Millisecond)
		}
		if err := b.Encode(c.PID()); err != nil {
			panic(err)
		}
	}
	<-time.After(time.Minute)
}

func readFile(path string) []byte {
	text, err := os.ReadFile(path)
	if err != nil {
		panic(err)
	}
	return text
}
