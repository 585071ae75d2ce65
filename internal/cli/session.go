package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"topobench/internal/artifacts"
	"topobench/internal/deploy"
	"topobench/internal/host"
	"topobench/internal/host/proc"
	"topobench/internal/journal"
	"topobench/internal/plan"
	"topobench/internal/ready"
	"topobench/internal/recovery"
	"topobench/internal/run"
	"topobench/internal/ui"
)

// session is what run, up and perf have in common: the run's directory, journal
// and screen.
type session struct {
	campaign *run.Campaign
	screen   *ui.View
	env      *Env
	unguard  func() // ends the guard of what is written
}

// open makes the run's directory and becomes the sub-reaper that orphans fall to.
// What dead runs left is ended before: a new one must not start beside it.
func open(ctx context.Context, root string, env *Env, s *signals) (*session, error) {
	if err := host.SetSubreaper(); err != nil {
		return nil, err
	}
	foreign, err := host.Leftovers()
	if err != nil {
		return nil, err
	}
	screen := ui.New(ui.Detect(env.Screen, env.Getenv))
	err = recoverRuns(ctx, env, screen.Note)
	if err == nil {
		var c *run.Campaign
		if c, err = begin(root, env, s, screen); err == nil {
			c.Foreign = foreign
			return &session{screen: screen, env: env, unguard: func() {}, campaign: c}, nil
		}
	}
	screen.Close()
	return nil, err
}

// begin makes the run's directory, with its journal and its ledger.
func begin(root string, env *Env, s *signals, screen *ui.View) (*run.Campaign, error) {
	dir, err := recovery.Create(root, env.Getenv(tempVariable), newID())
	if err != nil {
		return nil, err
	}
	prober := deploy.NewProber()
	health := ready.Health{Prober: prober}
	c := &run.Campaign{
		Run: dir, Screen: screen, Environ: env.Environ, Force: s.force, At: env.At, Smoke: prober.Smoke,
		Standing: health.Standing, Counters: health.Counters, Kernel: "/dev/kmsg", Site: plan.Site{Cookie: dir.ID()}}
	if c.Journal, err = journal.Open(filepath.Join(dir.Path(), journal.Name), c.Recorded); err != nil {
		return nil, errors.Join(err, dir.Close())
	}
	if c.Ledger, err = recovery.NewLedger(dir, c.Journal); err != nil {
		return nil, errors.Join(err, c.Journal.Close(), dir.Close())
	}
	c.Starter.Exe = env.Shepherd
	c.Starter.OnChild = c.Ledger.RecordChild
	c.Starter.OnStart = func(name, log string, shepherd proc.Proc) error {
		err := c.Ledger.RecordStart(name, log, shepherd)
		c.Recorded(err) // a full disk ends the run
		return err
	}
	return c, nil
}

func newID() string {
	random := make([]byte, 2)
	rand.Read(random) // never fails (crypto/rand, Go 1.24)
	return artifacts.NewID(time.Now(), random)
}

// close ends the journal and the screen and removes the run's TMPDIR, which is
// part of the proof that nothing is left. Where something is, TMPDIR stays: it leads
// a later process to the run. why is how the run ended.
func (s *session) close(why error) error {
	why = s.explainDiskFault(why)
	_, dirty := errors.AsType[*deploy.DirtyError](why)
	if !dirty {
		why = errors.Join(why, s.left())
		_, dirty = errors.AsType[*deploy.DirtyError](why)
	}
	s.unguard()
	s.campaign.End(dirty)
	s.screen.Close()
	why = errors.Join(why, s.campaign.Journal.Close())
	if dirty {
		return why
	}
	return errors.Join(why, s.campaign.Run.Close())
}

// left is *stack.DirtyError if something lives that was started outside of a topology,
// whose teardown has its own proof: perf's aiperf, or who fetched a model. The ledger
// is asked too: to pid 1 nothing that falls is known for the run's by that alone.
func (s *session) left() error {
	left, err := host.Leftovers(s.campaign.Foreign...)
	all, unseen := proc.Snapshot()
	for _, p := range s.campaign.Ledger.Trace().Any(host.Unsupervised(all)) {
		if !slices.ContainsFunc(left, p.Same) {
			left = append(left, p)
		}
	}
	if len(left) > 0 {
		return deploy.Dirty("run "+s.campaign.Run.ID(), left, s.campaign.Ledger.Name)
	}
	return errors.Join(err, unseen)
}

// hold waits with the topology up.
func (s *session) hold(ctx context.Context) {
	s.screen.Note("held: press Ctrl-C to take it down")
	<-ctx.Done()
}

// linuxOnly: everything that starts processes needs the Linux sub-reaper.
func linuxOnly(command string) error {
	if runtime.GOOS == "linux" {
		return nil
	}
	return &usageError{fmt.Errorf("%s needs Linux; plan and plot work here", command)}
}

func printAll(w io.Writer, lines []string, prefix string) {
	for _, l := range lines {
		fmt.Fprintf(w, "%s%s\n", prefix, l)
	}
}
