package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"runtime"
	"time"

	"topobench/internal/campaign"
	"topobench/internal/plan"
	"topobench/internal/process"
	"topobench/internal/ready"
	"topobench/internal/rundir"
	"topobench/internal/status"
)

// session is what run, up and perf have in common: the run's directory, journal
// and screen.
type session struct {
	campaign *campaign.Campaign
	screen   *status.View
	env      *Env
}

// open makes the run's directory and becomes the sub-reaper that orphans fall to.
func open(root string, env *Env, s *signals) (*session, error) {
	if err := process.Adopt(); err != nil {
		return nil, err
	}
	dir, err := rundir.Create(root, newID())
	if err != nil {
		return nil, err
	}
	journal, err := dir.Journal()
	if err != nil {
		return nil, errors.Join(err, dir.Close())
	}
	screen := status.New(status.Detect(env.Screen, env.Getenv))
	recoverRuns(root, screen)
	return &session{screen: screen, env: env, campaign: &campaign.Campaign{
		Run: dir, Journal: journal, Screen: screen, Environ: env.Environ, Hurry: s.hurry, At: env.At,
		Await: ready.Await, Smoke: ready.Smoke, Standing: ready.Standing, Counters: ready.Counters, Site: plan.Site{Cookie: dir.ID()}}}, nil
}

// recoverRuns finishes what killed runs below root left. What cannot be removed is
// said and does not keep this run from its own work.
func recoverRuns(root string, screen *status.View) {
	crashed, err := rundir.Recover(root)
	for _, id := range crashed {
		screen.Note(fmt.Sprintf("run %s had crashed: its temporary directory is removed", id))
	}
	if err != nil {
		screen.Note(err.Error())
	}
}

func newID() string {
	random := make([]byte, 2)
	rand.Read(random) // never fails (crypto/rand, Go 1.24)
	return rundir.NewID(time.Now(), random)
}

// close ends the journal and the screen and removes the run's TMPDIR, which is
// part of the proof that nothing is left.
func (s *session) close() error {
	if err := s.campaign.Journal.AppendDurable(rundir.EventEnd, nil); err != nil {
		s.screen.Note(err.Error())
	}
	s.screen.Close()
	return errors.Join(s.campaign.Journal.Close(), s.campaign.Run.Close())
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
