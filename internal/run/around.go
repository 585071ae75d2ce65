package run

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"topobench/internal/plan"
	"topobench/internal/verdict"
)

// Names of checks that are notes: they make no cell invalid.
const (
	cpuNote    = "cpu"
	kernelNote = "kernel"
	nginxNote  = "nginx"
	gpuNote    = "gpu-clocks"
)

func noteworthy(c verdict.Check) bool {
	return c.State == verdict.Valid && (c.Name == cpuNote || c.Name == kernelNote || c.Name == nginxNote || c.Name == gpuNote)
}

// around is what surrounds a cell, from its begin on.
type around struct {
	cpu    cpuTimes
	kernel *kernelLog
	nginx  string // its log; "" = there is none
	size   int64  // of that log
}

// findings are what the surroundings told.
type findings struct {
	cpu    cpuTimes
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
	return findings{cpu: readCPU().less(a.cpu), kernel: a.kernel.rest(), nginx: upstreamFaults(added(a.nginx, a.size))}
}

// Shown of what may be many.
const shown = 5

func (f findings) checks() []verdict.Check {
	var checks []verdict.Check
	note := func(name, detail string) {
		checks = append(checks, verdict.Check{Name: name, State: verdict.Valid, Detail: detail})
	}
	if left, known := f.cpu.left(); known && left < starved {
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

// cpuTimes are clock ticks of all CPUs together.
type cpuTimes struct{ idle, all uint64 }

func (t cpuTimes) less(u cpuTimes) cpuTimes { return cpuTimes{t.idle - u.idle, t.all - u.all} }

// left is the share in which a CPU had nothing to do; not known of a cell shorter
// than a second of one CPU, in which a tick is too coarse.
func (t cpuTimes) left() (share float64, known bool) {
	if t.all < 100 {
		return 0, false
	}
	return float64(t.idle) / float64(t.all), true
}

func readCPU() cpuTimes {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return cpuTimes{}
	}
	return parseCPU(string(text))
}

// parseCPU reads the first line of /proc/stat: cpu user nice system idle iowait irq
// softirq steal, and guest times that user and nice contain.
func parseCPU(text string) (t cpuTimes) {
	line, _, _ := strings.Cut(text, "\n")
	fields := strings.Fields(line)
	if len(fields) < 9 || fields[0] != "cpu" {
		return cpuTimes{}
	}
	for i, field := range fields[1:9] {
		n, err := strconv.ParseUint(field, 10, 64)
		if err != nil {
			return cpuTimes{}
		}
		t.all += n
		if i == 3 || i == 4 {
			t.idle += n
		}
	}
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
