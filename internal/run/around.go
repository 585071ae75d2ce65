package run

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"

	"topobench/internal/host"
	"topobench/internal/plan"
	"topobench/internal/result"
)

// Names of checks that are notes: they make no cell invalid.
const (
	cpuNote    = "cpu"
	kernelNote = "kernel"
	nginxNote  = "nginx"
	gpuNote    = "gpu-clocks"
)

func noteworthy(c result.Check) bool {
	return c.State == result.Valid && (c.Name == cpuNote || c.Name == kernelNote || c.Name == nginxNote || c.Name == gpuNote)
}

// around is what surrounds a cell, from its begin on.
type around struct {
	cpu    host.CPUTimes
	kernel *kernelLog
	nginx  string // its log; "" = there is none
	size   int64  // of that log
}

// findings are what the surroundings told.
type findings struct {
	cpu    host.CPUTimes // at the end of the cell
	before host.CPUTimes
	kernel []string
	nginx  []string // faults with its servers
}

// around is taken right before aiperf starts.
func (s *sweep) around() around {
	a := around{cpu: readCPU(), kernel: openKernel(s.Kernel)}
	for _, svc := range s.plan.Services {
		if svc.Role == plan.Balancer {
			a.nginx = svc.Log
		}
	}
	if info, err := os.Stat(a.nginx); err == nil {
		a.size = info.Size()
	}
	return a
}

// since is what was told from then on. What cannot be read tells nothing: these
// are notes.
func (a around) since() findings {
	return findings{cpu: readCPU(), before: a.cpu, kernel: a.kernel.rest(), nginx: upstreamFaults(added(a.nginx, a.size))}
}

// Shown of what may be many.
const shown = 5

func (f findings) checks() []result.Check {
	var checks []result.Check
	note := func(name, detail string) {
		checks = append(checks, result.Check{Name: name, State: result.Valid, Detail: detail})
	}
	if left, known := f.cpu.IdleSince(f.before); known && left < starved {
		note(cpuNote, fmt.Sprintf("the load machine had no CPU left (%.1f %% idle): the client may be what was measured", 100*left))
	}
	if n := len(f.kernel); n > 0 {
		note(kernelNote, fmt.Sprintf("the kernel said: %s", strings.Join(f.kernel[:min(n, shown)], "; ")))
	}
	if n := len(f.nginx); n > 0 {
		note(nginxNote, fmt.Sprintf("nginx had %d faults with its servers: %s", n, f.nginx[0]))
	}
	return checks
}

// starved is the share of idle time below which a machine had no CPU left.
const starved = 0.05

// readCPU is the load of the machine so far; zero where it is unknown, which is a note less.
func readCPU() host.CPUTimes {
	t, _ := host.CPU()
	return t
}

// nginx tells at its level "error" what a server of its own did wrong:
// 2026/11/24 13:00:00 [error] 7#7: *13 connect() failed (111: Connection refused)
// while connecting to upstream, client: ..., upstream: "http://127.0.0.1:8001/v1/...", host: ...
var (
	faultLine = regexp.MustCompile(`\[(?:error|crit|alert|emerg)\] .*?: (?:\*\d+ )?(.*upstream.*)`)
	server    = regexp.MustCompile(`upstream: "\w+://([^/"]+)`)
	// counts is a fault that nginx counts for max_fails: of a server that failed before
	// its answer began (ngx_http_upstream_next), not of one that broke it off.
	counts = regexp.MustCompile(`while (?:connecting to|sending request to|reading response header from) upstream`)
)

// none begins a line about no server at all: all of them are kept out already.
const none = "no live upstreams"

func upstreamFaults(log string) []string {
	var faults []string
	for line := range strings.Lines(log) {
		if m := faultLine.FindStringSubmatch(strings.TrimSpace(line)); m != nil {
			faults = append(faults, m[1])
		}
	}
	return faults
}

// maxFails is how many faults the guide's nginx.conf takes before it sends nothing
// more to a server for 10000 s.
const maxFails = 3

// ejected names the servers that nginx keeps out from now on, by its faults of this
// cell and of those before.
func (s *sweep) ejected(faults []string) []string {
	if s.plan.Balancer != "guide" {
		return nil
	}
	if s.faults == nil {
		s.faults = map[string]int{}
	}
	out := map[string]bool{}
	for _, fault := range faults {
		m := server.FindStringSubmatch(fault)
		if m != nil && counts.MatchString(fault) && !strings.HasPrefix(fault, none) {
			if s.faults[m[1]]++; s.faults[m[1]] >= maxFails {
				out[m[1]] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(out))
}
