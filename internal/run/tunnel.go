package run

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"topobench/internal/host"
	"topobench/internal/host/proc"
	"topobench/internal/plan"
	"topobench/internal/verdict"
)

// tunnel names the process that passes the load on to another machine, before the first cell; "" = there is none, or
// it is not visible.
func (r *Runner) tunnel(ctx context.Context, p plan.Plan) string {
	ports := loopbackPorts(p.Load.URLs)
	if len(p.Services) > 0 || len(ports) == 0 {
		return ""
	}
	look, err := r.here.host.Look(ctx, host.Question{Processes: true, Listening: ports})
	if err != nil {
		return "" // it is a note, and no reason to stop
	}
	for _, port := range ports {
		i := slices.IndexFunc(look.Listeners[port], passesOn)
		if i < 0 {
			continue
		}
		found := fmt.Sprintf("the load goes through the tunnel of process %s on port %d: its delays and drops are "+
			"measured with the server", look.Listeners[port][i], port)
		r.noteOnce([]verdict.Check{{Name: verdict.Tunnel, State: verdict.Note, Detail: found}})
		return found
	}
	return ""
}

// passesOn reports that a process is kubectl port-forward, or either end of an ssh tunnel.
func passesOn(p proc.Proc) bool {
	return slices.Contains([]string{"kubectl", "ssh", "sshd", "sshd-session"}, p.Comm)
}

// loopbackPorts are the ports of this machine that URLs name.
func loopbackPorts(urls []string) (ports []int) {
	for _, text := range urls {
		u, err := url.Parse(text)
		if err != nil {
			continue // the smoke has reported it
		}
		ip := net.ParseIP(u.Hostname())
		if !strings.EqualFold(u.Hostname(), "localhost") && (ip == nil || !ip.IsLoopback()) {
			continue
		}
		port, err := strconv.Atoi(u.Port())
		switch {
		case err == nil:
			ports = append(ports, port)
		case u.Scheme == "https":
			ports = append(ports, 443)
		default:
			ports = append(ports, 80)
		}
	}
	return ports
}
