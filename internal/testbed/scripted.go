package testbed

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"topobench/internal/host"
	"topobench/internal/host/gpu"
	"topobench/internal/host/proc"
)

// ScriptedProgram replaces an executable on a Scripted host. It writes its output to log and
// returns its exit code. ctx ends when the program has to stop.
type ScriptedProgram func(ctx context.Context, spec host.Spec, log io.Writer) (code int)

// Scripted is a host in memory. Its programs are functions, and a test sets its ports, pages
// and GPUs. The zero Scripted is an empty machine. Set the exported fields before the first
// call, or in Change.
type Scripted struct {
	Programs map[string]ScriptedProgram // by the first word of an argv
	Taken    map[int]proc.Proc          // the process that listens on a port
	Users    map[int]string             // who listens on a port
	Left     []proc.Proc                // leftovers
	Backlog  map[int]int                // by port
	Pages    map[string]host.Page       // by URL
	Trees    map[int]proc.Load          // by the pid of the root
	Kernel   []string                   // messages, numbered from 1
	GPUs     gpu.State
	GPUFault string
	Fault    error         // returned by every call: the host is unreachable
	Late     time.Duration // before the answer to each call
	Name     string        // in Net
	Net      *Network      // nil = it reaches nothing

	mu      sync.Mutex
	files   map[string][]byte
	dirs    map[string]bool
	running map[int]*scriptedChild
	pids    int
}

// Change calls change while no other call uses the fields.
func (s *Scripted) Change(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

// scriptedChild is a running ScriptedProgram.
type scriptedChild struct {
	host   *Scripted
	spec   host.Spec
	self   proc.Proc
	cancel context.CancelFunc
	done   chan struct{}

	mu      sync.Mutex
	stopped bool
	exit    host.Exit
}

// Start runs a program of the script in a goroutine.
func (s *Scripted) Start(spec host.Spec) (host.Handle, error) {
	s.wait(context.Background())
	s.mu.Lock()
	defer s.mu.Unlock()
	fail := func(err error) (host.Handle, error) {
		return nil, &host.StartError{Name: spec.Name, Argv: spec.Argv, Err: err}
	}
	if s.Fault != nil {
		return fail(s.Fault)
	}
	program := s.Programs[spec.Argv[0]]
	if program == nil {
		return fail(&os.PathError{Op: "exec", Path: spec.Argv[0], Err: syscall.ENOENT})
	}
	s.pids++
	ctx, cancel := context.WithCancel(context.Background())
	c := &scriptedChild{host: s, spec: spec, cancel: cancel, done: make(chan struct{}),
		self: proc.Proc{PID: 1000 + s.pids, PPID: 1, Group: 1000 + s.pids, Ticks: uint64(s.pids),
			State: 'S', Comm: spec.Name, Threads: 1}}
	if s.running == nil {
		s.running = map[int]*scriptedChild{}
	}
	s.running[c.self.PID] = c
	s.append(spec.Log, nil)
	go func() { c.end(host.Exit{Code: program(ctx, spec, scriptedLog{s, spec.Log})}) }()
	return c, nil
}

// end records how the child ended. Only the first call counts.
func (c *scriptedChild) end(exit host.Exit) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.exit.At.IsZero() {
		return
	}
	exit.Stopped, exit.At = c.stopped, time.Now()
	c.exit = exit
	c.cancel()
	c.host.mu.Lock()
	defer c.host.mu.Unlock()
	delete(c.host.running, c.self.PID)
	close(c.done)
}

func (c *scriptedChild) Process() proc.Proc    { return c.self }
func (c *scriptedChild) Done() <-chan struct{} { return c.done }
func (c *scriptedChild) Gone() <-chan struct{} { return c.done }

func (c *scriptedChild) Exit() host.Exit {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.exit
}

// Stop cancels the program. If it does not return within its grace it counts as killed, and
// its goroutine goes on alone. On a host that is unreachable nobody sees that: Stop returns the fault.
func (c *scriptedChild) Stop(ctx context.Context) error {
	c.mu.Lock()
	c.stopped = true
	c.mu.Unlock()
	c.cancel()
	c.host.wait(context.WithoutCancel(ctx))
	if fault := c.host.fault(); fault != nil {
		return fault
	}
	select {
	case <-c.done:
		return nil
	case <-ctx.Done():
	case <-time.After(c.spec.Grace):
	}
	c.end(host.Exit{Code: -1, Signal: syscall.SIGKILL})
	return nil
}

// scriptedLog appends to a file of the host.
type scriptedLog struct {
	host *Scripted
	path string
}

func (l scriptedLog) Write(text []byte) (int, error) {
	l.host.mu.Lock()
	defer l.host.mu.Unlock()
	l.host.append(l.path, text)
	return len(text), nil
}

func (s *Scripted) append(path string, text []byte) {
	if s.files == nil {
		s.files = map[string][]byte{}
	}
	s.files[path] = append(s.files[path], text...)
}

// Run runs a program until it ends.
func (s *Scripted) Run(ctx context.Context, spec host.Spec) (output []byte, exit host.Exit, err error) {
	before, err := s.Get(ctx, spec.Log, 0, 1<<30)
	if err != nil {
		before = nil
	}
	c, err := s.Start(spec)
	if err != nil {
		return nil, host.Exit{}, err
	}
	select {
	case <-c.Done():
	case <-ctx.Done():
		err = fmt.Errorf("cannot wait for %s any longer: %w", spec.Name, context.Cause(ctx))
	}
	if left := c.Stop(ctx); left != nil {
		return nil, c.Exit(), left
	}
	output, _ = s.Get(context.Background(), spec.Log, int64(len(before)), 1<<20) // Start made the log
	return output, c.Exit(), err
}

// Put keeps files in memory.
func (s *Scripted) Put(ctx context.Context, files ...host.File) error {
	s.wait(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	for _, f := range files {
		switch {
		case s.Fault != nil:
			return s.Fault
		case f.Mode.IsDir():
			if s.dirs == nil {
				s.dirs = map[string]bool{}
			}
			s.dirs[f.Path] = true
		case s.dirs[f.Path]:
			return fmt.Errorf("cannot write a file: %w", &os.PathError{Op: "rename", Path: f.Path, Err: syscall.EEXIST})
		default:
			delete(s.files, f.Path)
			s.append(f.Path, f.Data)
		}
	}
	return nil
}

// Get reads a file from memory.
func (s *Scripted) Get(ctx context.Context, path string, from, limit int64) ([]byte, error) {
	s.wait(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	data, there := s.files[path]
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case s.Fault != nil:
		return nil, s.Fault
	case !there:
		return nil, &os.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	size := int64(len(data))
	if from < 0 {
		from = max(0, size+from)
	}
	from = min(from, size)
	return slices.Clone(data[from:min(size, from+limit)]), nil
}

// Look returns the running programs as processes, and the state that the test has set.
func (s *Scripted) Look(ctx context.Context, q host.Question) (host.Snapshot, error) {
	s.wait(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	if ctx.Err() != nil {
		return host.Snapshot{}, context.Cause(ctx)
	}
	if s.Fault != nil {
		return host.Snapshot{}, s.Fault
	}
	look := host.Snapshot{Ports: map[int]host.Port{}, Pages: map[string]host.Page{}}
	if q.Processes {
		s.list(q, &look)
	}
	for _, number := range q.Ports {
		if _, taken := s.Taken[number]; taken {
			look.Ports[number] = host.Port{Fault: syscall.EADDRINUSE.Error(), InUse: true}
		} else {
			look.Ports[number] = host.Port{}
		}
	}
	for _, url := range q.Pages {
		page, known := s.Pages[url]
		if !known {
			page.Fault = "connection refused"
		}
		look.Pages[url] = page
	}
	look.Backlog = maps.Clone(s.Backlog)
	for _, known := range q.Again {
		if len(known.Procs) > 0 {
			q.Trees = append(q.Trees, known.Procs[0].PID)
		} else {
			q.Trees = append(q.Trees, 0)
		}
	}
	for _, root := range q.Trees {
		load := s.Trees[root]
		if c := s.running[root]; c != nil && len(load.Procs) == 0 {
			load.Procs = []proc.Proc{c.self}
		}
		if len(load.Procs) > 0 {
			load.At = time.Now()
		}
		look.Loads = append(look.Loads, load)
	}
	if q.Kernel {
		look.Kernel = host.KernelLog{Last: uint64(len(s.Kernel)), Messages: slices.Clone(s.Kernel[min(q.After, uint64(len(s.Kernel))):])}
	}
	if q.GPUs > 0 {
		look.GPUs, look.GPUFault = s.GPUs, strings.TrimSpace(s.GPUFault)
	}
	return look, nil
}

// list adds the running programs and the leftovers.
func (s *Scripted) list(q host.Question, look *host.Snapshot) {
	look.Self, look.Listeners = proc.Proc{PID: 1, Ticks: 1}, map[int][]proc.Proc{}
	look.Users = maps.Clone(s.Users)
	look.Processes, look.Leftovers = slices.Clone(s.Left), slices.Clone(s.Left)
	for _, pid := range slices.Sorted(maps.Keys(s.running)) {
		c := s.running[pid]
		look.Processes = append(look.Processes, c.self)
	}
	for _, number := range q.Listening {
		if p, taken := s.Taken[number]; taken {
			look.Listeners[number] = []proc.Proc{p}
		}
	}
}
