package e2e_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"topobench/internal/deploy"
	"topobench/internal/programs"
	"topobench/internal/recovery"
	"topobench/internal/testbed"
)

const (
	patience = 3 * time.Minute // for events that take seconds, or the minute of two topologies on a busy machine
	pause    = 20 * time.Millisecond
)

// fixture has a test's directory, ports, programs and processes.
type fixture struct {
	*testing.T
	testbed.Tracker
	programs map[programs.Tool]programs.Found
	dir      string
	ports    int           // the first of 300; topobench gets 200, the test's own servers the rest
	longer   time.Duration // added to patience, for the start of real engines
}

// newFixture is for tests that run two at a time: each aiperf keeps one CPU busy.
func newFixture(t *testing.T) fixture {
	t.Helper()
	t.Parallel()
	slots <- struct{}{}
	t.Cleanup(func() { <-slots })
	return aloneFixture(t)
}

// slots bounds the tests that run at once.
var slots = make(chan struct{}, 2)

// aloneFixture is for a test that needs the whole machine.
func aloneFixture(t *testing.T) fixture {
	t.Helper()
	f := fixture{T: t, programs: realPrograms(t), dir: t.TempDir(), ports: freePorts(t)}
	f.Tracker = testbed.Audit(t)
	return f
}

const topobenchPorts = 200

// freePorts returns the first port of a free block of 300, below the kernel's ephemeral ports
// and apart from the ports of the built-in profiles. No other test gets the same block until
// this test ends.
func freePorts(t *testing.T) int {
	t.Helper()
	for first := 19000; first < 22900; first += 300 {
		lock, err := net.Listen("unix", fmt.Sprintf("@topobench-e2e-block-%d", first))
		if err != nil {
			continue // another test has it
		}
		if len(taken(first, 300)) == 0 {
			t.Cleanup(func() { lock.Close() })
			return first
		}
		lock.Close()
	}
	t.Fatal("there are not 300 free ports in a row between 19000 and 22900")
	return 0
}

// taken returns the ports that cannot be bound.
func taken(first, n int) []int {
	var ports []int
	for port := first; port < first+n; port++ {
		l, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			ports = append(ports, port)
			continue
		}
		l.Close()
	}
	return ports
}

// profile writes a profile with the test's ports in place of "@", and each old text replaced by
// the new text after it. An old text that does not occur fails the test.
func (f fixture) profile(name, text string, oldNew ...string) string {
	f.Helper()
	oldNew = append(oldNew, "@", fmt.Sprint(f.ports/100))
	for i := 0; i < len(oldNew); i += 2 {
		if !strings.Contains(text, oldNew[i]) {
			f.Fatalf("profile %s has no %q", name, oldNew[i])
		}
		text = strings.ReplaceAll(text, oldNew[i], oldNew[i+1])
	}
	path := filepath.Join(f.dir, name+".yaml")
	f.check(os.WriteFile(path, []byte(text), 0o644))
	return path
}

// disagg writes testdata/disagg.yaml with that name and kind.
func (f fixture) disagg(name string, oldNew ...string) string {
	f.Helper()
	return f.profile(name, f.read("testdata/disagg.yaml"), append(oldNew, "NAME", name)...)
}

func (f fixture) read(path string) string {
	f.Helper()
	text, err := os.ReadFile(path)
	f.check(err)
	return string(text)
}

func (f fixture) check(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

// running is topobench in a process of its own.
type running struct {
	fixture
	name   string
	root   string // its artifacts root
	cmd    *exec.Cmd
	before map[int]bool    // pids that existed before it started
	shm    map[string]bool // files in /dev/shm before it started
	ended  chan struct{}
}

// start starts topobench with an artifacts root of its own.
func (f fixture) start(name string, args ...string) *running {
	f.Helper()
	r := &running{fixture: f, name: name, root: filepath.Join(f.dir, name), before: map[int]bool{},
		shm: f.shared(), ended: make(chan struct{})}
	for _, p := range f.Living() {
		r.before[p.PID] = true
	}
	r.cmd = exec.Command(os.Args[0], append(append([]string{topobench}, args...), "--artifacts-root-dir", r.root)...)
	r.cmd.Env = f.Env(os.Environ()...)
	stdout, err := os.Create(r.root + ".out")
	f.check(err)
	defer stdout.Close()
	stderr, err := os.Create(r.root + ".err")
	f.check(err)
	defer stderr.Close()
	r.cmd.Stdout, r.cmd.Stderr = stdout, stderr
	f.check(r.cmd.Start())
	go func() {
		defer close(r.ended)
		_ = r.cmd.Wait() // ends reads its state
	}()
	f.Cleanup(r.finish)
	return r
}

// finish kills topobench if it still runs, and removes the temporary directory of a killed
// one.
func (r *running) finish() {
	_ = r.cmd.Process.Kill() // it may have ended
	<-r.ended
	runs, err := recovery.List(r.root)
	if err != nil {
		r.Error(err)
	}
	for _, path := range runs {
		run, err := recovery.Open(path)
		if err == nil {
			err = run.Close()
		}
		if err != nil {
			r.Error(err)
		}
	}
}

// output is its stdout and stderr so far.
func (r *running) output() string { return r.read(r.root+".out") + r.read(r.root+".err") }

// await polls while topobench runs, until condition returns true.
func (r *running) await(what string, condition func() bool) {
	r.Helper()
	again := time.NewTicker(pause)
	defer again.Stop()
	over := time.After(patience + r.longer)
	for !condition() {
		select {
		case <-again.C:
		case <-r.ended:
			if !condition() { // the last change may come with its end
				r.Fatalf("%s ended before: %s\n%s", r.name, what, r.output())
			}
			return
		case <-over:
			r.Fatalf("%s: not within %v: %s\n%s", r.name, patience+r.longer, what, r.output())
		}
	}
}

func (r *running) signal(sig syscall.Signal) {
	r.Helper()
	r.check(r.cmd.Process.Signal(sig))
}

// ends waits for the end, checks the exit code and returns stdout.
func (r *running) ends(code int) string {
	r.Helper()
	select {
	case <-r.ended:
	case <-time.After(2*patience + r.longer):
		r.signal(syscall.SIGQUIT) // prints its goroutines
		<-r.ended
	}
	if got := r.cmd.ProcessState.ExitCode(); got != code {
		r.Fatalf("%s: exit code %d, want %d\n%s", r.name, got, code, r.output())
	}
	return r.read(r.root + ".out")
}

// path is the run's own directory.
func (r *running) path() string {
	r.Helper()
	runs, err := recovery.List(r.root)
	r.check(err)
	if len(runs) != 1 {
		r.Fatalf("%d runs below %s, not one", len(runs), r.root)
	}
	return runs[0]
}

// client keeps no connection open: the test must not hold a port that it expects to be free.
func client() *http.Client {
	return &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
}

// request sends a request and returns the body. Any code other than 200 is an error.
func request(method, url, body string) (string, error) {
	r, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := client().Do(r)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: %s: %s", method, url, answer.Status, text)
	}
	return string(text), err
}

// complete requests a completion of four tokens.
func complete(url string) error {
	const body = `{"model": "tiny", "max_tokens": 4, "messages": [{"role": "user", "content": "hello"}]}`
	_, err := request(http.MethodPost, url+"/v1/chat/completions", body)
	return err
}

// counter reads a metric of a worker's generate endpoint; it is 0 if the request fails.
func (f fixture) counter(port int, metric string) float64 {
	text, err := request(http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d/metrics", port), "")
	if err != nil {
		return 0
	}
	return deploy.Count(text, metric)
}

// awaitUp waits until up prints that the topology serves on that port.
func (r *running) awaitUp(port int) {
	r.Helper()
	r.await("the topology is up", func() bool {
		return strings.Contains(r.output(), fmt.Sprintf("is up: http://127.0.0.1:%d", port))
	})
}
