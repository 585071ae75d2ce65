package monitor

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"topobench/internal/host/proc"
	"topobench/internal/plan"
	"topobench/internal/text"
	"topobench/internal/verdict"
)

// nginxLog is the balancer of a topology from the start of a cell on: its log, and its
// processes. A nil one is a topology without a balancer.
type nginxLog struct {
	service string
	path    string
	size    int64 // of the log, at the start
	port    int
	procs   []proc.Proc
	used    time.Duration // CPU time of the processes at the latest probe
}

func (m *Monitor) openNginx() *nginxLog {
	i := slices.IndexFunc(m.t.Plan.Services, func(s plan.Service) bool { return s.Role == plan.Balancer })
	if i < 0 {
		return nil
	}
	n := &nginxLog{service: m.t.Plan.Services[i].Name, path: m.t.Plan.Services[i].Log}
	if info, err := os.Stat(n.path); err == nil {
		n.size = info.Size()
	}
	for _, s := range m.processes {
		if s.Service == n.service {
			n.port, n.procs = s.Port, append([]proc.Proc{s.Leader}, s.Tree...)
		}
	}
	return n
}

// processes are nginx's, its master first.
func (n *nginxLog) processes() []proc.Proc {
	if n == nil {
		return nil
	}
	return n.procs
}

// stuck finds an nginx that does not work, without a connection of its own: a request that
// fails would count against one of nginx's servers. It is stuck if one of its processes is
// stopped, or if they use no CPU while connections wait to be accepted.
func (n *nginxLog) stuck() []verdict.Unhealthy {
	if n == nil {
		return nil
	}
	var used time.Duration
	for _, p := range n.procs {
		now, err := proc.Read(p.PID)
		if err != nil || !now.Same(p) {
			continue
		}
		if now.State == 'T' || now.State == 't' {
			return []verdict.Unhealthy{{Service: n.service, Why: fmt.Sprintf("process %v is stopped", p)}}
		}
		used += now.CPU
	}
	idle := used == n.used && used > 0
	n.used = used
	if !idle {
		return nil
	}
	waiting := 0
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		text, err := os.ReadFile(table)
		if err == nil {
			waiting += backlog(string(text), n.port)
		}
	}
	if waiting == 0 {
		return nil
	}
	why := fmt.Sprintf("%d connections wait to be accepted, and it does nothing", waiting)
	return []verdict.Unhealthy{{Service: n.service, Why: why}}
}

// backlog counts connections that wait to be accepted on a port, by a table of /proc/net:
//
//	sl  local_address rem_address   st tx_queue rx_queue ...
//	 0: 0100007F:1F40 00000000:0000 0A 00000000:00000003 ...
//
// The receive queue of a listening socket is its accept queue.
func backlog(table string, port int) (waiting int) {
	local := fmt.Sprintf(":%04X", port)
	for line := range strings.Lines(table) {
		fields := strings.Fields(line)
		if len(fields) < 5 || fields[3] != "0A" || !strings.HasSuffix(fields[1], local) {
			continue
		}
		_, queue, _ := strings.Cut(fields[4], ":")
		if n, err := strconv.ParseUint(queue, 16, 31); err == nil {
			waiting += int(n)
		}
	}
	return waiting
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

// nginxEvidence reads the log since the start of the cell. A log that cannot be read has
// no faults.
func (m *Monitor) nginxEvidence(n *nginxLog) *verdict.NginxLog {
	if n == nil {
		return nil
	}
	log, err := text.Added(n.path, n.size, logLimit)
	if err != nil {
		return &verdict.NginxLog{}
	}
	faults := upstreamFaults(string(log))
	return &verdict.NginxLog{Faults: faults, Ejected: m.ejected(faults)}
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
