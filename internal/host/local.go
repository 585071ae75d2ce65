package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"topobench/internal/host/gpu"
	"topobench/internal/host/proc"
	"topobench/internal/text"
)

// Handle is a started child on any host; *Child is one on this machine.
type Handle interface {
	Process() proc.Proc             // the child itself, by pid and start ticks
	Done() <-chan struct{}          // closed when the child itself ended
	Gone() <-chan struct{}          // closed when its tree ended, or cannot be ended
	Exit() Exit                     // zero before Done
	Stop(ctx context.Context) error // ends its tree; without grace once ctx ends
}

// File is a file to put on a host, or a directory, by its mode.
type File struct {
	Path string
	Data []byte
	Mode fs.FileMode // permissions; with fs.ModeDir a directory
}

// Question names the parts of a Snapshot. An empty one shows only that the host answers.
type Question struct {
	// Ports are TCP ports to bind for a moment. Do not probe one that a service is about
	// to bind.
	Ports   []int
	Backlog []int         // TCP ports whose waiting connections to count
	GPUs    time.Duration // how long the driver may take to answer; 0 = leave the GPUs out
	Power   time.Duration // likewise, for the power limits
	Facts   time.Duration // likewise, for clocks, links and CUDA
	Links   time.Duration // likewise, for the links between the GPUs
	Pages   []string      // URLs to get, such as a worker's /metrics
	Kernel  bool          // read the kernel log
	After   uint64        // the number of the last kernel message that is known already
	// Trees are root processes whose trees to find, which reads all of /proc. Again are
	// known trees whose processes to read again; it finds no new ones.
	Trees []int
	Again []proc.Load
	// Processes lists all processes, which takes milliseconds. The questions below are
	// about them, and need it.
	Processes bool
	Listening []int       // TCP ports whose listeners to find
	Foreign   []proc.Proc // descendants of this process that are no leftovers
}

// Snapshot is what a host showed at one moment. A part that could not be looked at has a
// fault, a line for a person; the other parts are valid then.
type Snapshot struct {
	Ports    map[int]Port
	Backlog  map[int]int // by port
	GPUs     gpu.State   // with the owners of its processes
	GPUFault string
	Power    []gpu.Power // empty if the driver does not report it
	Facts    gpu.Facts
	// Links is the matrix of nvidia-smi topo -m.
	Links, LinksFault string
	Pages             map[string]Page
	Kernel            KernelLog
	Loads             []proc.Load // of Trees, then of Again; zero for a tree whose root is gone

	// The parts of Question.Processes.
	Processes []proc.Proc
	Self      proc.Proc           // the process that starts the children
	Leftovers []proc.Proc         // see the function of that name
	Listeners map[int][]proc.Proc // the oldest first; other users' are visible to root only
	Users     map[int]string      // names of those who listen, by port; of invisible processes too
}

// Port is a TCP port of a host.
type Port struct {
	Fault string // why it cannot be bound; "" = it is free
	InUse bool   // that is the reason
}

// Local is this machine as a host.
type Local struct {
	Starter   Starter
	NvidiaSMI string   // path; "" = this machine has none
	Env       []string // of nvidia-smi
	Temp      string   // a directory for the logs of short commands
	Kernel    string   // path of the kernel log, /dev/kmsg; "" = this machine shows none
	// Client gets pages; nil = a client for each look, which keeps no connection.
	Client *http.Client
}

// Start starts a child through a shepherd. The error is a *StartError.
func (l Local) Start(spec Spec) (Handle, error) {
	c, err := l.Starter.Start(spec)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// Run runs a short command to its end, see Starter.Run.
func (l Local) Run(ctx context.Context, spec Spec) (output []byte, exit Exit, err error) {
	return l.Starter.Run(ctx, spec)
}

// Put makes directories and writes files, with missing parents.
func (l Local) Put(ctx context.Context, files ...File) error {
	for _, f := range files {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		dir := f.Path
		if !f.Mode.IsDir() {
			dir = filepath.Dir(f.Path)
		}
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("cannot make a directory: %w", err)
		}
		if f.Mode.IsDir() {
			continue
		}
		// Not durable: a file of a plan means nothing after a crash of the machine.
		if err := os.WriteFile(f.Path, f.Data, f.Mode.Perm()); err != nil {
			return fmt.Errorf("cannot write a file: %w", err)
		}
	}
	return nil
}

// Get reads at most limit bytes of a file from an offset on; a negative offset counts
// from the end.
func (l Local) Get(ctx context.Context, path string, from, limit int64) ([]byte, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if from < 0 {
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		from = max(0, info.Size()+from)
	}
	return text.Added(path, from, limit)
}

// Look takes one snapshot. The error reports that the processes cannot be listed.
func (l Local) Look(ctx context.Context, q Question) (Snapshot, error) {
	s := Snapshot{Ports: ports(q.Ports), Backlog: proc.Backlog(q.Backlog), Pages: l.pages(ctx, q.Pages)}
	if q.Processes || len(q.Trees) > 0 {
		if err := s.list(q); err != nil {
			return Snapshot{}, err
		}
	}
	for _, known := range q.Again {
		s.Loads = append(s.Loads, known.Again())
	}
	if q.GPUs > 0 {
		smi := gpu.SMI{Run: l.nvidiaSMI, Limit: q.GPUs}
		found, err := smi.State(ctx)
		if err == nil {
			found, err = found.Owned()
		}
		if s.GPUs = found; err != nil {
			s.GPUFault = err.Error()
		}
	}
	if q.Power > 0 && l.NvidiaSMI != "" {
		s.Power = gpu.SMI{Run: l.nvidiaSMI, Limit: q.Power}.Power(ctx)
	}
	if q.Facts > 0 && l.NvidiaSMI != "" {
		s.Facts = gpu.SMI{Run: l.nvidiaSMI, Limit: q.Facts}.Facts(ctx)
	}
	if q.Links > 0 && l.NvidiaSMI != "" {
		matrix, err := gpu.SMI{Run: l.nvidiaSMI, Limit: q.Links}.Links(ctx)
		if s.Links = matrix; err != nil {
			s.LinksFault = err.Error()
		}
	}
	if q.Kernel {
		s.Kernel = readKernel(l.Kernel, q.After)
	}
	return s, nil
}

// list adds the processes of this machine, and the parts of q about them.
func (s *Snapshot) list(q Question) (err error) {
	limits := make([]proc.CPULimit, len(q.Trees))
	for i, root := range q.Trees {
		limits[i] = proc.Limit(root) // before the processes: it is complete if root is there after it
	}
	if s.Processes, err = proc.Snapshot(); err != nil {
		return err
	}
	for i, root := range q.Trees {
		load := proc.LoadOf(s.Processes, root, time.Now())
		if !load.At.IsZero() {
			load.Limit = limits[i]
		}
		s.Loads = append(s.Loads, load)
	}
	if !q.Processes {
		return nil
	}
	s.Leftovers = leftovers(s.Processes, isInit(), q.Foreign)
	s.Listeners, s.Users = proc.Listeners(s.Processes, q.Listening), users(q.Listening)
	s.Self, err = proc.Read(os.Getpid())
	return err
}

// nvidiaSMI runs nvidia-smi with a log that is gone afterwards. It runs even if its start
// cannot be recorded: on a full disk a teardown still has to prove that the GPUs are free.
func (l Local) nvidiaSMI(ctx context.Context, args ...string) (output string, code int, err error) {
	if l.NvidiaSMI == "" {
		return "", 0, errors.New("this machine has no nvidia-smi")
	}
	log, discard, err := l.scratch()
	if err != nil {
		return "", 0, err
	}
	starter := l.Starter
	if record := starter.OnStart; record != nil {
		starter.OnStart = func(name, log string, shepherd proc.Proc) error {
			_ = record(name, log, shepherd) // it has reported its error itself
			return nil
		}
	}
	out, exit, err := starter.Run(ctx, Spec{Name: "nvidia-smi", Argv: append([]string{l.NvidiaSMI}, args...),
		Env: l.Env, Dir: "/", Log: log})
	return string(out), exit.Code, errors.Join(err, discard())
}

// scratch is a log for a moment. That of a run has a name, by which a later process finds who writes to it.
func (l Local) scratch() (log string, discard func() error, err error) {
	if l.Starter.OnStart == nil {
		file, log, err := Nameless(l.Temp)
		return log, func() error { return file.Close() }, err
	}
	dir, err := os.MkdirTemp(l.Temp, "nvidia-smi-")
	return filepath.Join(dir, "log"), func() error { return os.RemoveAll(dir) }, err
}

// ports binds each port once, as a server will: with SO_REUSEADDR, which TIME_WAIT does
// not disturb, and without SO_REUSEPORT, with which two servers would share it unnoticed.
func ports(numbers []int) map[int]Port {
	found := map[int]Port{}
	for _, number := range numbers {
		var p Port
		for _, address := range []string{"127.0.0.1", "0.0.0.0"} {
			l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp4", fmt.Sprintf("%s:%d", address, number))
			if err == nil {
				err = l.Close()
			}
			if err != nil && p.Fault == "" {
				p.Fault, p.InUse = err.Error(), errors.Is(err, syscall.EADDRINUSE)
			}
		}
		found[number] = p
	}
	return found
}
