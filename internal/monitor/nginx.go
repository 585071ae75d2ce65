package monitor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"

	"topobench/internal/host"
	"topobench/internal/host/proc"
	"topobench/internal/plan"
	"topobench/internal/verdict"
)

// logLimit bounds the bytes of a log that are read for one cell.
const logLimit = 1 << 20

// nginxLog is the balancer of a topology from the start of a cell on: its log, and its
// processes. A nil one is a topology without a balancer.
type nginxLog struct {
	host    string // "" = this machine
	service string
	path    string
	size    int64 // of the log, at the start
	unread  error // why the size is not known
	port    int
	procs   proc.Load // its processes at the latest probe, its master first
}

func (m *Monitor) openNginx(ctx context.Context) *nginxLog {
	i := slices.IndexFunc(m.t.Plan.Services, func(s plan.Service) bool { return s.Role == plan.Balancer })
	if i < 0 {
		return nil
	}
	s := m.t.Plan.Services[i]
	n := &nginxLog{host: s.Host, service: s.Name, path: s.Log}
	for more := logLimit; more == logLimit; n.size += int64(more) {
		old, err := m.on(n.host).Get(ctx, n.path, n.size, logLimit)
		if errors.Is(err, fs.ErrNotExist) { // it is empty
			break
		}
		if more, n.unread = len(old), err; err != nil {
			break
		}
	}
	for _, s := range m.processes {
		if s.Service == n.service {
			n.port, n.procs.Procs = s.Port, append([]proc.Proc{s.Leader}, s.Tree...)
		}
	}
	return n
}

// load has nginx's processes.
func (n *nginxLog) load() proc.Load {
	if n == nil {
		return proc.Load{}
	}
	return n.procs
}

// stuck finds an nginx that does not work, without a connection of its own: a request that
// fails would count against one of nginx's servers. It is stuck if one of its processes is
// stopped, or if they use no CPU while connections wait to be accepted.
func (m *Monitor) stuck(ctx context.Context, n *nginxLog) []verdict.Unhealthy {
	if n == nil {
		return nil
	}
	look, err := m.on(n.host).Look(ctx, host.Question{Again: []proc.Load{n.procs}})
	if err != nil || look.Loads[0].At.IsZero() {
		return nil // the end of its master is seen by the topology's context
	}
	now := look.Loads[0]
	idle := now.CPU == n.procs.CPU && now.CPU > 0
	n.procs = now
	for _, p := range now.Procs {
		if p.State == 'T' || p.State == 't' {
			return []verdict.Unhealthy{{Service: m.title(n.service), Why: fmt.Sprintf("process %v is stopped", p)}}
		}
	}
	if !idle {
		return nil
	}
	look, err = m.on(n.host).Look(ctx, host.Question{Backlog: []int{n.port}})
	if waiting := look.Backlog[n.port]; err == nil && waiting > 0 {
		why := fmt.Sprintf("%d connections wait to be accepted, and it does nothing", waiting)
		return []verdict.Unhealthy{{Service: m.title(n.service), Why: why}}
	}
	return nil
}

// nginx logs at its level "error" faults of its servers:
// 2026/11/24 13:00:00 [error] 7#7: *13 connect() failed (111: Connection refused)
// while connecting to upstream, client: ..., upstream: "http://127.0.0.1:8001/v1/...", host: ...
var (
	faultLine = regexp.MustCompile(`\[(?:error|crit|alert|emerg)\] .*?: (?:\*\d+ )?(.*upstream.*)`)
	server    = regexp.MustCompile(`upstream: "\w+://([^/"]+)`)
	// counted is a fault that nginx counts for max_fails: the server failed before its
	// answer began (ngx_http_upstream_next). One that breaks off its answer does not count.
	counted = regexp.MustCompile(`while (?:connecting to|sending request to|reading response header from) upstream`)
)

// noServer begins a line about no server in particular: nginx has ejected all.
const noServer = "no live upstreams"

// maxFails is how many faults the guide's nginx.conf allows before it sends nothing
// more to a server for 10000 s.
const maxFails = 3

// nginxEvidence reads the log since the start of the cell.
func (m *Monitor) nginxEvidence(ctx context.Context, n *nginxLog) *verdict.NginxLog {
	if n == nil {
		return nil
	}
	e := &verdict.NginxLog{Ejects: m.t.Plan.Balancer == "guide"}
	log, err := m.on(n.host).Get(ctx, n.path, n.size, logLimit)
	if err = cmp.Or(n.unread, err); err != nil {
		e.Unread = at(n.host, err.Error())
		return e
	}
	e.Faults = upstreamFaults(string(log))
	e.Ejected = m.ejected(e.Faults)
	return e
}

func upstreamFaults(log string) (faults []string) {
	for line := range strings.Lines(log) {
		if match := faultLine.FindStringSubmatch(strings.TrimSpace(line)); match != nil {
			faults = append(faults, match[1])
		}
	}
	return faults
}

// ejected names the servers that the guide's nginx ejects, by its faults of this cell and
// of those before.
func (m *Monitor) ejected(faults []string) []string {
	if m.t.Plan.Balancer != "guide" {
		return nil
	}
	out := map[string]bool{}
	for _, fault := range faults {
		match := server.FindStringSubmatch(fault)
		if match != nil && counted.MatchString(fault) && !strings.HasPrefix(fault, noServer) {
			if m.faults[match[1]]++; m.faults[match[1]] >= maxFails {
				out[match[1]] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(out))
}
