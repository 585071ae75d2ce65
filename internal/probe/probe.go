// Package probe asks which versions are installed beside the programs that
// topobench drives.
//
// A Python program is asked in the very interpreter that will run it, a server
// by its own version flag. An answer is kept in a cache, and counts only while
// the program, and for Python every directory it imports from, is as old as it
// was then. Recall never starts a process.
package probe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"topobench/internal/host"
	"topobench/internal/tools"
)

// limit bounds one question as a rule. Python takes 0.1 s, and half a minute when its
// packages come over a network for the first time.
const limit = 2 * time.Minute

// Prober asks programs for their versions.
type Prober struct {
	Cache   string   // file of the answers; "" = none is kept
	Environ []string // whole environment of what is asked; a script's "env python" is looked up in its PATH
	Starter host.Starter
	Note    func(string)  // told that an answer could not be kept; nil = nobody is
	Within  time.Duration // bounds one question, 0 = two minutes, and how long a download may show no progress, 0 = any
}

// Answer is what one program said. The zero Answer knows nothing.
type Answer struct {
	Versions map[string]string `json:"versions"` // by distribution ("ai-dynamo"), of a server by its tool ("nginx")
	Modules  []string          `json:"modules"`  // which of dynamo, vllm and aiperf can be imported; nil of a server
}

// Version is that of the first distribution that is there; "" = unknown.
func (a Answer) Version(distributions ...string) string {
	for _, d := range distributions {
		if v := a.Versions[d]; v != "" {
			return v
		}
	}
	return ""
}

// Lacks reports that the interpreter was asked and cannot import the module.
func (a Answer) Lacks(module string) bool {
	return a.Modules != nil && !slices.Contains(a.Modules, module)
}

// Recall is the cached answer of the tool at path, if it still holds.
func (p Prober) Recall(t tools.Tool, path string) (Answer, bool) {
	q := p.question(t, path)
	return p.recall(q)
}

// Ask is the cached answer, or a fresh one. Of a program that is no Python
// script and no server nothing is known, which is no error.
func (p Prober) Ask(ctx context.Context, t tools.Tool, path string) (Answer, error) {
	q := p.question(t, path)
	if answer, ok := p.recall(q); ok || q.asked == "" {
		return answer, nil
	}
	e := entry{Stamps: map[string]int64{q.asked: stamp(q.asked)}} // before the answer: a change meanwhile makes it stale
	output, err := p.run(ctx, q)
	if err == nil {
		err = q.read(output, &e)
	}
	if err != nil {
		return Answer{}, fmt.Errorf("cannot ask %s for its version: %w", q.asked, err)
	}
	if err := p.keep(q.asked, e); err != nil && p.Note != nil {
		p.Note(err.Error())
	}
	return e.Answer, nil
}

// question is how a program is asked.
type question struct {
	asked string   // path of what is run; "" = there is nothing to ask
	args  []string // its arguments
	read  func(output string, e *entry) error
}

func (p Prober) question(t tools.Tool, path string) question {
	switch t {
	case tools.Nginx:
		return question{path, []string{"-v"}, readServer(t)}
	case tools.Etcd, tools.NATS:
		return question{path, []string{"--version"}, readServer(t)}
	case tools.Python:
		return question{path, []string{"-c", askPython}, readPython}
	default:
		return question{interpreter(path, p.look), []string{"-c", askPython}, readPython}
	}
}

// run returns what the program wrote, stdout and stderr. That goes to a file without
// a name, of which nothing is left whatever ends this process.
func (p Prober) run(ctx context.Context, q question) (output string, err error) {
	log, err := os.CreateTemp("", "topobench-probe-")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	if err := os.Remove(log.Name()); err != nil {
		return "", err
	}
	within := cmp.Or(p.Within, limit)
	ctx, cancel := context.WithTimeoutCause(ctx, within, fmt.Errorf("no answer within %s", within))
	defer cancel()
	text, exit, err := p.Starter.Run(ctx, host.Spec{Name: filepath.Base(q.asked), Argv: append([]string{q.asked}, q.args...),
		Env: p.Environ, Dir: "/", Log: fmt.Sprintf("/proc/self/fd/%d", log.Fd())})
	if err == nil && exit.Code != 0 {
		err = fmt.Errorf("it ended with %s: %s", exit, cmp.Or(lastLine(string(text)), "it said nothing"))
	}
	return string(text), err
}

func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndexByte(text, '\n')+1:]
}

// look finds a program on the PATH of what is asked.
func (p Prober) look(name string) string {
	for _, kv := range p.Environ {
		list, found := strings.CutPrefix(kv, "PATH=")
		if !found {
			continue
		}
		for _, dir := range filepath.SplitList(list) {
			path := filepath.Join(dir, name)
			if info, err := os.Stat(path); err == nil && filepath.IsAbs(dir) && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0 {
				return path
			}
		}
	}
	return ""
}
