package run

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"topobench/internal/artifacts"
	"topobench/internal/host"
	"topobench/internal/host/agent"
	"topobench/internal/host/proc"
	"topobench/internal/journal"
	"topobench/internal/recovery"
)

// AgentOptions are the parts of an agent that its caller decides.
type AgentOptions struct {
	Run       string        // id of its own run on this machine
	Grace     time.Duration // of silence
	Temp      string        // place of its directories; "" = recovery.DefaultTemp
	Recover   bool          // end what an earlier agent of the run has left, and take its place
	Environ   []string      // of the login, from which services inherit
	Shepherd  string        // a binary with the shepherd command; "" = this program
	NvidiaSMI string        // its path; "" = this machine has none
	Release   string        // of topobench
	LogCap    uint64        // bytes of each log; 0 = any
	// Inspect answers a question about this machine, both JSON; it may be nil.
	Inspect func(ctx context.Context, question []byte) ([]byte, error)
}

// recoverWithin bounds the recovery of a run. The earlier agent may still be stopping its services.
const recoverWithin = time.Minute

// unrecordedEvery is the time between two looks at the processes of a run without a record.
const unrecordedEvery = 100 * time.Millisecond

// ServeAgent is the agent of a run on this machine. It serves until the goodbye of its client, or until in ends, the
// client is silent for a grace, or ctx ends. Then it stops and removes everything that it has started, proves that it
// is gone, and removes its own directory. The error is why it ended, nil for a goodbye, and what is left.
func ServeAgent(ctx context.Context, o AgentOptions, in io.Reader, out io.Writer) error {
	home := agentHome{temp: o.Temp, run: o.Run}
	if home.temp == "" {
		home.temp = recovery.DefaultTemp
	}
	foreign, err := host.Leftovers()
	if err != nil {
		return err
	}
	if err := home.prepare(); err != nil {
		return err
	}
	var recovered []string
	if o.Recover {
		if recovered, err = home.recover(ctx); err != nil {
			return err
		}
	}
	l, err := newLocal(localPlace{root: home.root(), temp: home.temp, id: o.Run, transient: true,
		shepherd: o.Shepherd, environ: o.Environ, nvidiaSMI: o.NvidiaSMI, logCap: o.LogCap,
		recorded: func(error) {}}) // a start that is not recorded fails
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("cannot start a second agent of run %s: %s is in use, or was left by an agent that was "+
			"killed; topobench clean ends what it left", o.Run, home.dir())
	}
	if err != nil {
		return err
	}
	if err = home.adopt(); err == nil {
		l.shared, err = l.ledger.Shared()
	}
	if err == nil {
		l.foreign = foreign
		err = l.serve(ctx, o, recovered, in, out)
	}
	return errors.Join(err, l.end(foreign))
}

// serve answers the client while it watches the shared memory of the run.
func (l *local) serve(ctx context.Context, o AgentOptions, recovered []string, in io.Reader, out io.Writer) error {
	watch, stop := context.WithCancel(context.Background())
	var watches sync.WaitGroup
	watches.Go(func() { l.watchShared(watch) })
	watches.Go(func() { l.starter.Logs.Keep(watch, func(host.Hole) {}) }) // its journal goes with its logs
	defer func() { stop(); watches.Wait() }()
	return agent.Serve(ctx, agent.Server{Host: sampling{l.host, l}, Machine: l, Inspect: o.inspect,
		Hello: l.hello(o, recovered), Grace: o.Grace}, in, out)
}

// hello describes this machine.
func (l *local) hello(o AgentOptions, recovered []string) agent.Hello {
	name, _ := os.Hostname() // a machine without a name is recorded without it
	h := agent.Hello{Protocol: agent.Version, Release: o.Release, Hostname: name, Arch: runtime.GOARCH,
		PID: os.Getpid(), Root: os.Geteuid() == 0, Run: l.dir.ID(), Dir: l.dir.Path(), Temp: l.dir.TempDir(),
		Environ: o.Environ, NvidiaSMI: o.NvidiaSMI, Recovered: recovered}
	if u, err := user.Current(); err == nil {
		h.User = u.Username
	}
	h.Exe, _ = os.Executable() // for a person
	return h
}

// end removes and proves, and removes the directories of the agent if nothing is left.
func (l *local) end(foreign []proc.Proc) error {
	_, err := l.Remove(context.Background())
	lines, unproved := l.Left(context.Background())
	left, unread := l.leftovers(foreign)
	if len(left) > 0 {
		lines = append(lines, proc.Table(left, l.ledger.Name)...)
	}
	err = errors.Join(err, unproved, unread)
	if len(lines) > 0 {
		err = errors.Join(err, fmt.Errorf("run %s has left:\n  %s\n  end it, then run topobench clean", l.dir.ID(),
			strings.Join(lines, "\n  ")))
	}
	l.journal.Note(journal.RunEnd{Dirty: err != nil})
	if closed := l.journal.Close(); err != nil { // a journal that is removed may lack its last line
		return errors.Join(err, closed)
	}
	return l.dir.Close()
}

// leftovers are processes of the run that no shepherd supervises, or descendants of this process. The ledger is
// consulted too, since pid 1 inherits orphans of others.
func (l *local) leftovers(foreign []proc.Proc) ([]proc.Proc, error) {
	left, err := host.Leftovers(foreign...)
	all, unread := proc.Snapshot()
	for _, p := range l.escaped(all) {
		if !slices.ContainsFunc(left, p.Same) {
			left = append(left, p)
		}
	}
	return left, errors.Join(err, unread)
}

// watchShared samples the shared memory of the services every second: its owner is known only while it lives.
func (l *local) watchShared(ctx context.Context) {
	again := time.NewTicker(time.Second)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-again.C:
			if !proc.Childless() {
				l.sample()
			}
		}
	}
}

// sample samples the shared memory once. Without it a file may stay, which the machine's reboot removes.
func (l *local) sample() {
	l.samples.Lock()
	defer l.samples.Unlock()
	_ = l.shared.Sample(l.all)
}

// sampling is this machine as a host whose shared memory is sampled before a service stops.
type sampling struct {
	host.Local
	of *local
}

// Start starts a child.
func (s sampling) Start(spec host.Spec) (host.Handle, error) {
	c, err := s.Starter.Start(spec)
	if err != nil {
		return nil, err
	}
	return sampled{c, s.of}, nil
}

// Look takes a snapshot. Children that the login left to this process are no leftovers.
func (s sampling) Look(ctx context.Context, q host.Question) (host.Snapshot, error) {
	q.Foreign = slices.Concat(q.Foreign, s.of.foreign)
	return s.Local.Look(ctx, q)
}

// sampled is a child of such a host.
type sampled struct {
	*host.Child
	of *local
}

// Stop samples, and ends the child's tree.
func (s sampled) Stop(ctx context.Context) error {
	s.of.sample()
	return s.Child.Stop(ctx)
}

// agentHome is where the agent of a run has its directories on a machine.
type agentHome struct{ temp, run string }

// root has the runs of this user's agents.
func (h agentHome) root() string {
	return filepath.Join(h.temp, fmt.Sprintf("topobench-agent-%d", os.Geteuid()))
}

// dir is that of the run.
func (h agentHome) dir() string { return filepath.Join(h.root(), artifacts.StateDir, h.run) }

// lost is where the directory of a killed agent waits until the next one has taken its logs.
func (h agentHome) lost() string { return filepath.Join(h.root(), "lost-"+h.run) }

// prepare makes the root. One that another user could have made, or can read, is refused.
func (h agentHome) prepare() error {
	root := h.root()
	if err := os.Mkdir(root, 0o700); err == nil || !errors.Is(err, fs.ErrExist) {
		return err
	}
	info, err := os.Lstat(root)
	if err != nil {
		return artifacts.Cannot("use the directory of agents", root, err)
	}
	stat, is := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() || info.Mode().Perm()&0o077 != 0 || !is || int(stat.Uid) != os.Geteuid() {
		return fmt.Errorf("cannot use %s: it is not a private directory of this user; remove it, or set "+
			"TOPOBENCH_TMP there to another place", root)
	}
	return nil
}

// recover ends what an earlier agent of the run has left, and reports it. An agent that still runs is stopped.
func (h agentHome) recover(ctx context.Context) (ended []string, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, recoverWithin, fmt.Errorf("no end within %s", recoverWithin))
	defer cancel()
	all, err := recovery.Cleaner{Temp: h.temp, Roots: []string{h.root()}, Only: h.run, Force: true,
		Keep: true}.Clean(ctx)
	for _, f := range all {
		ended = append(slices.Concat(ended, f.Table), f.Shm...)
		err = errors.Join(err, f.Err)
	}
	if err != nil {
		return ended, fmt.Errorf("cannot end what an earlier agent of run %s has left: %w", h.run, err)
	}
	if err := h.unrecorded(ctx); err != nil {
		return ended, err
	}
	err = os.RemoveAll(h.lost())
	if moved := os.Rename(h.dir(), h.lost()); !errors.Is(moved, fs.ErrNotExist) {
		err = errors.Join(err, moved)
	}
	return ended, err
}

// unrecorded is the proof that no process of the run is left whose record is in another place: a login may have another
// TMPDIR than the one before. Without the record it kills none.
func (h agentHome) unrecorded(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, goneWithin)
	defer cancel()
	for {
		all, err := proc.Snapshot()
		left := proc.RunIdentity{Cookie: artifacts.RunVariable + "=" + h.run, Dirs: h.opened(all)}.Any(all)
		if err != nil || len(left) == 0 {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("an earlier agent of run %s has left processes, and its record is not below %s; "+
				"kill them:\n  %s", h.run, h.temp, strings.Join(proc.Table(left, nil), "\n  "))
		case <-time.After(unrecordedEvery): // their shepherds may be killing them
		}
	}
}

// opened are the directories of the run, wherever they are, that a process has a file of open.
func (h agentHome) opened(all []proc.Proc) (dirs []string) {
	own := filepath.Join("/", artifacts.StateDir, h.run)
	for _, p := range proc.Living(all) {
		for _, file := range proc.Files(p) {
			if root, _, found := strings.Cut(file, own+"/"); found && !slices.Contains(dirs, root+own) {
				dirs = append(dirs, root+own)
			}
		}
	}
	return dirs
}

// adopt moves the logs and files of a lost agent to the place of this one, where the run looks for them.
func (h agentHome) adopt() error {
	entries, err := os.ReadDir(h.lost())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		to := filepath.Join(h.dir(), e.Name())
		if _, taken := os.Lstat(to); errors.Is(taken, fs.ErrNotExist) { // its own journal and marker stay
			err = errors.Join(err, os.Rename(filepath.Join(h.lost(), e.Name()), to))
		}
	}
	return errors.Join(err, os.RemoveAll(h.lost()))
}
