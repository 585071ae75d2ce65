package deploy

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"topobench/internal/host"
	"topobench/internal/plan"
	"topobench/internal/testbed"
)

func TestMain(m *testing.M) { testbed.Main(m) }

// soon is long for a thing of milliseconds, for a busy machine.
const soon = 10 * time.Second

// bed is a test's place: its directory, the events of its stack, and how its gates open.
type bed struct {
	testing.TB
	testbed.Tracker
	dir   string
	await func(ctx context.Context, s plan.Service) error // nil: every gate is open

	checks []TeardownCheck

	mu     sync.Mutex
	events []ServiceChanged
}

// newBed refuses a parallel test: the proof of a teardown looks at all descendants of this process, and would find
// those of the other tests.
func newBed(t testing.TB) *bed {
	t.Setenv("TESTBED_ALONE", "1") // panics in a parallel test
	return &bed{TB: t, Tracker: testbed.Audit(t), dir: t.TempDir()}
}

func (b *bed) service(name string, role plan.Role, wave int, habit string, args ...string) plan.Service {
	return plan.Service{Name: name, Role: role, Wave: wave, Argv: testbed.Argv(habit, args...), Env: b.Env(),
		Log: filepath.Join(b.dir, name+".log"), Grace: soon}
}

func (b *bed) options() Options {
	return Options{Environ: os.Environ(), Host: local(testbed.Program()), Force: context.Background(),
		Events: b.note, Checks: b.checks,
		Await: func(ctx context.Context, s plan.Service, _ func(string)) (time.Time, error) {
			if b.await == nil {
				return time.Now(), nil
			}
			return time.Now(), b.await(ctx, s)
		}}
}

// local is this machine, with a program that has the shepherd command.
func local(exe string) host.Local { return host.Local{Starter: host.Starter{Exe: exe}} }

// target is a plan of services named t.
func target(o Options, services ...plan.Service) Target {
	return Target{plan.Plan{Name: "t", Services: services}, o}
}

// note is the subscriber.
func (b *bed) note(e Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e, ok := e.(ServiceChanged); ok {
		b.events = append(b.events, e)
	}
}

// history is the states so far, as "starting a, ready a".
func (b *bed) history() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []string
	for _, e := range b.events {
		all = append(all, string(e.State)+" "+e.Service.Name)
	}
	return strings.Join(all, ", ")
}

// pid is that of a service that was started.
func (b *bed) pid(name string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.events {
		if e.State == Starting && e.Service.Name == name && e.PID != 0 {
			return e.PID
		}
	}
	b.Fatalf("%s was not started", name)
	return 0
}

// up brings services up; whatever the test does, they are down at its end.
func (b *bed) up(services ...plan.Service) *Stack {
	b.Helper()
	s, err := target(b.options(), services...).Up(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	force, cancel := context.WithCancel(context.Background())
	cancel()
	b.Cleanup(func() {
		if err := s.Down(force); err != nil {
			b.Error(err)
		}
	})
	return s
}

// awaitLog waits for words in a service's log.
func (b *bed) awaitLog(name, words string) {
	b.Helper()
	testbed.Eventually(b, soon, func() bool {
		text, err := os.ReadFile(filepath.Join(b.dir, name+".log"))
		return err == nil && strings.Contains(string(text), words)
	})
}

// fails requires that Up fails with nothing left running, and returns its error.
func (b *bed) fails(p plan.Plan) error {
	b.Helper()
	p.Name = "t"
	s, err := Target{p, b.options()}.Up(b.Context())
	if err == nil {
		down := s.Down(b.Context())
		b.Fatalf("it came up (and went down: %v)", down)
	}
	if living := b.Living(); len(living) > 0 {
		b.Errorf("Up failed, and there is %v", living)
	}
	return err
}
