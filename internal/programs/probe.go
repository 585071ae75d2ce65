package programs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"topobench/internal/host"
)

// probeLimit bounds one probe by default. Python takes 0.1 s, and half a minute when a network file system reads
// its packages for the first time.
const probeLimit = 2 * time.Minute

// Prober finds out which versions are installed. It runs a Python program's own interpreter, and a server with its
// version flag. An answer is cached while the program, and for Python every directory it imports from, is unchanged.
type Prober struct {
	Cache   string   // file of the answers; "" = they are not cached
	Environ []string // whole environment of the probed program; resolves a script's "env python" in its PATH
	Starter host.Starter
	Warn    func(string)  // gets the reason when an answer could not be cached; nil = the reason is dropped
	Within  time.Duration // bounds one probe, 0 = two minutes, and a download's time without progress, 0 = any
}

// Answer is the result of one probe. In the zero Answer everything is unknown.
type Answer struct {
	Versions map[string]string `json:"versions"` // by distribution ("ai-dynamo"), for a server by its tool ("nginx")
	Modules  []string          `json:"modules"`  // which of dynamo, vllm and aiperf can be imported; nil for a server
}

// Version is that of the first distribution that is installed; "" = unknown.
func (a Answer) Version(distributions ...string) string {
	for _, d := range distributions {
		if v := a.Versions[d]; v != "" {
			return v
		}
	}
	return ""
}

// Lacks reports that the interpreter was probed and cannot import the module.
func (a Answer) Lacks(module string) bool {
	return a.Modules != nil && !slices.Contains(a.Modules, module)
}

// Recall returns the cached answer of the tool at path, if it is current. It starts nothing.
func (p Prober) Recall(t Tool, path string) (Answer, bool) {
	q := p.query(t, path)
	answer, ok := p.recall(q)
	return q.sure(answer), ok
}

// Probe returns the cached answer, or runs the program for one. A program that is neither a Python script nor a
// server has the zero Answer, which is no error, as has a shell script around one that cannot be followed.
func (p Prober) Probe(ctx context.Context, t Tool, path string) (Answer, error) {
	q := p.query(t, path)
	if answer, ok := p.recall(q); ok || q.path == "" {
		return q.sure(answer), nil
	}
	e := entry{Stamps: map[string]int64{q.path: stamp(q.path)}} // taken first: a change meanwhile makes it stale
	output, err := p.run(ctx, q)
	if err == nil {
		err = q.parse(output, &e)
	}
	if err != nil {
		return Answer{}, fmt.Errorf("cannot probe the version of %s: %w", q.path, err)
	}
	if err := p.store(q.path, e); err != nil && p.Warn != nil {
		p.Warn(err.Error())
	}
	return q.sure(e.Answer), nil
}

// query is the command that prints a program's versions.
type query struct {
	path   string // of the program to run; "" = none is known
	args   []string
	parse  func(output string, e *entry) error
	module string // that a program in a shell script imports; "" = it is in none
}

// sure is the answer, or the zero one where the interpreter in a shell script lacks the module: the script may lead
// to another, or set PYTHONPATH.
func (q query) sure(a Answer) Answer {
	if q.module != "" && a.Lacks(q.module) {
		return Answer{}
	}
	return a
}

func (p Prober) query(t Tool, path string) query {
	switch t {
	case Nginx:
		return query{path, []string{"-v"}, parseServer(t), ""}
	case Etcd, NATS:
		return query{path, []string{"--version"}, parseServer(t), ""}
	case Python:
		return query{path, []string{"-c", pythonProbe}, parsePython, ""} // a shim passes -c on
	}
	python, wrapped := p.python(path)
	q := query{python, []string{"-c", pythonProbe}, parsePython, ""}
	if wrapped {
		q.module = string(t)
	}
	return q
}

// run returns the program's stdout and stderr. They go to a file without a name.
func (p Prober) run(ctx context.Context, q query) (output string, err error) {
	file, log, err := host.Nameless("")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	within := cmp.Or(p.Within, probeLimit)
	ctx, cancel := context.WithTimeoutCause(ctx, within, fmt.Errorf("no answer within %s", within))
	defer cancel()
	text, exit, err := p.Starter.Run(ctx, host.Spec{Name: filepath.Base(q.path),
		Argv: append([]string{q.path}, q.args...), Env: p.Environ, Dir: "/",
		Log: log})
	if err == nil && exit.Code != 0 {
		err = fmt.Errorf("it ended with %s: %s", exit, cmp.Or(lastLine(string(text)), "it printed nothing"))
	}
	return string(text), err
}

func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndexByte(text, '\n')+1:]
}

// lookPath finds a program on the PATH of the probed program.
func (p Prober) lookPath(name string) string {
	for _, kv := range p.Environ {
		list, found := strings.CutPrefix(kv, "PATH=")
		if path := onPath(filepath.SplitList(list), name); found && path != "" {
			return path
		}
	}
	return ""
}
