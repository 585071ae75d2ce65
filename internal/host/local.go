package host

import (
	"context"
	"errors"
	"fmt"
	"io"
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
	Ports []int
	GPUs  time.Duration // how long the driver may take to answer; 0 = leave the GPUs out
	Pages []string      // URLs to get, such as a worker's /metrics
	// Processes lists all processes, which takes milliseconds. The questions below are
	// about them, and need it.
	Processes bool
	Listening []int            // TCP ports whose listeners to find
	Run       proc.RunIdentity // whose processes to find; zero = none
	Foreign   []proc.Proc      // descendants of this process that are no leftovers
}

// Snapshot is what a host showed at one moment. A part that could not be looked at has a
// fault, a line for a person; the other parts are valid then.
type Snapshot struct {
	At       time.Time
	Ports    map[int]Port
	GPUs     gpu.State
	GPUFault string
	Pages    map[string]Page

	// The parts of Question.Processes.
	Processes []proc.Proc
	Self      proc.Proc           // the process that starts the children
	Leftovers []proc.Proc         // see the function of that name
	OfRun     []proc.Proc         // those of Question.Run
	Listeners map[int][]proc.Proc // the oldest first; other users' are visible to root only
	CPU       CPUTimes
	Limit     proc.CPULimit // of this process; its children inherit it
}

// Port is a TCP port of a host.
type Port struct {
	Fault string // why it cannot be bound; "" = it is free
	InUse bool   // that is the reason
}

// Page is an answer over HTTP.
type Page struct {
	Code  int
	Text  []byte // at most 1 MiB
	Fault string // why there is no answer
}

// Load is the load of a process tree in the snapshot.
func (s Snapshot) Load(pid int) proc.Load {
	l := proc.LoadOf(s.Processes, pid, s.At)
	l.Limit = s.Limit
	return l
}

// Local is this machine as a host.
type Local struct {
	Starter   Starter
	NvidiaSMI string   // path; "" = this machine has none
	Env       []string // of nvidia-smi
	Temp      string   // a directory for the logs of short commands
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

// Put makes directories and writes files, each in one step. It makes missing parents.
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
		if err := text.WriteFile(f.Path, f.Data, f.Mode.Perm()); err != nil {
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
		end, err := text.End(path, -from)
		return end[:min(int64(len(end)), limit)], err
	}
	return text.Added(path, from, limit)
}

// Look takes one snapshot. The error reports that the processes cannot be listed.
func (l Local) Look(ctx context.Context, q Question) (Snapshot, error) {
	s := Snapshot{At: time.Now(), Ports: ports(q.Ports), Pages: map[string]Page{}}
	if q.Processes {
		if err := s.list(q); err != nil {
			return Snapshot{}, err
		}
	}
	if q.GPUs > 0 {
		var err error
		if s.GPUs, err = l.SMI(q.GPUs).State(ctx); err != nil {
			s.GPUFault = err.Error()
		}
	}
	for _, url := range q.Pages {
		s.Pages[url] = get(ctx, url)
	}
	return s, nil
}

// list adds the processes of this machine, and the parts of q about them.
func (s *Snapshot) list(q Question) (err error) {
	if s.Processes, err = proc.Snapshot(); err != nil {
		return err
	}
	if s.Self, err = proc.Read(os.Getpid()); err != nil {
		return err
	}
	if s.CPU, err = CPU(); err != nil {
		return err
	}
	s.Limit = proc.Limit(os.Getpid())
	s.Leftovers = leftovers(s.Processes, isInit(), q.Foreign)
	s.Listeners = proc.Listeners(s.Processes, q.Listening)
	if !q.Run.Empty() {
		s.OfRun = q.Run.Any(s.Processes)
	}
	return nil
}

// SMI queries the GPUs of this machine. limit is how long the driver may take to answer.
func (l Local) SMI(limit time.Duration) gpu.SMI { return gpu.SMI{Run: l.nvidiaSMI, Limit: limit} }

// nvidiaSMI runs nvidia-smi with a log that is gone afterwards.
func (l Local) nvidiaSMI(ctx context.Context, args ...string) (output string, code int, err error) {
	if l.NvidiaSMI == "" {
		return "", 0, errors.New("this machine has no nvidia-smi")
	}
	dir, err := os.MkdirTemp(l.Temp, "nvidia-smi-")
	if err != nil {
		return "", 0, err
	}
	out, exit, err := l.Starter.Run(ctx, Spec{Name: "nvidia-smi", Argv: append([]string{l.NvidiaSMI}, args...),
		Env: l.Env, Dir: dir, Log: filepath.Join(dir, "log")})
	return string(out), exit.Code, errors.Join(err, os.RemoveAll(dir))
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

// get gets a page, without the proxy of the environment.
func get(ctx context.Context, url string) Page {
	fail := func(err error) Page { return Page{Fault: err.Error()} }
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fail(err)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		return fail(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, outputBytes))
	if err != nil {
		return fail(err)
	}
	return Page{Code: response.StatusCode, Text: body}
}
