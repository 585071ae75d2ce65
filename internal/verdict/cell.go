package verdict

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// shown bounds the entries of a list that one check shows.
const shown = 5

func list(all []string) string { return strings.Join(all[:min(len(all), shown)], "; ") }

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// workerDied takes a process that a service lost for a dead engine only where requests
// failed: compilers and their helpers come and go (torch ends its idle pool).
func workerDied(c cell) []finding {
	switch {
	case c.e.Died != "":
		return one(Invalid, firstLine(c.e.Died))
	case len(c.e.Ended) > 0 && !stoppedServing(c.e) && !c.allServed():
		return one(Invalid, strings.Join(c.e.Ended, "; "))
	}
	return nil
}

// stoppedServing is true of faults that explain more than an ended process.
func stoppedServing(e Evidence) bool { return len(e.Unhealthy) > 0 || e.AIPerf.Stalled }

// allServed reports that every request was answered. An output of another length is no
// fault of a worker.
func (c cell) allServed() bool {
	judges := []func(cell) []finding{run, result, readable(requests), readable(failures), readable(cancelled)}
	for _, judge := range judges {
		for _, f := range judge(c) {
			if f.state == Invalid {
				return false
			}
		}
	}
	return true
}

func stalled(c cell) []finding {
	return when(c.e.Died == "" && c.e.AIPerf.Stalled && c.e.When != "in", Invalid, firstLine(c.e.AIPerf.Problem))
}

// workers does not repeat a failure that is reported already.
func workers(c cell) []finding {
	switch {
	case c.e.Services == 0 && len(c.e.Unhealthy) == 0 || c.e.Died != "" || c.e.AIPerf.Stalled && c.e.When != "in":
		return nil
	case len(c.e.Unhealthy) > 0:
		var names []string
		for _, u := range c.e.Unhealthy {
			names = append(names, u.String())
		}
		return one(Invalid, c.e.When+" the cell: "+strings.Join(names, "; "))
	}
	return one(Valid, fmt.Sprintf("all %d services were there before and after", c.e.Services))
}

// unreadNginx begins the reason of checks that need nginx's log.
const unreadNginx = "cannot read the log of nginx: "

func ejected(c cell) []finding {
	switch n := c.e.Nginx; {
	case n == nil:
		return nil
	case len(n.Ejected) > 0:
		return one(Invalid, "nginx sends nothing more to "+strings.Join(n.Ejected, ", "))
	case n.Ejects && n.Unread != "":
		return one(Unchecked, unreadNginx+n.Unread)
	}
	return nil
}

// unseenLimit is how long topobench may not run in a cell: suspended (Ctrl-Z) or throttled,
// it sees no fault.
const unseenLimit = 2 * time.Second

// suspended gives the reason that was seen: a stopped topobench may share its cgroup with a
// load that is throttled meanwhile.
func suspended(c cell) []finding {
	gap := c.e.AIPerf.Unseen
	why := "did not run for %.1f s of the cell, and no signal stopped it: this machine gave it no CPU time"
	switch {
	case gap.Stopped:
		why = "itself was suspended for %.1f s of the cell"
	case gap.Throttled > gap.For/2:
		why = "did not run for %.1f s of the cell, in which its cgroup had used up its CPU quota"
	}
	return when(gap.For > unseenLimit, Invalid,
		"topobench "+fmt.Sprintf(why, gap.For.Seconds())+", and it did not watch the cell meanwhile")
}

func restarted(c cell) []finding {
	if len(c.e.Restarted) > 0 {
		return one(Invalid, "restarted in the cell: "+strings.Join(c.e.Restarted, "; "))
	}
	return when(c.e.Unlisted != "", Unchecked, "cannot list the processes of all services: "+firstLine(c.e.Unlisted))
}

func flapped(c cell) (all []finding) {
	for _, u := range c.e.Flapped {
		all = append(all, finding{Note, fmt.Sprintf("%s did not answer at once after the cell: %s", u.Service, u.Why)})
	}
	return all
}

// gpuUsers tolerates failed samples as long as the last one and most of them have an
// answer: the others would show a foreign process that stays. In a container without the
// host's process ids nvidia-smi shows no process of ours, and only memory can convict.
func gpuUsers(c cell) []finding {
	g := c.e.GPUs
	if g == nil {
		return nil
	}
	samples := fmt.Sprintf("%d samples", g.Samples)
	if g.Failed > 0 {
		samples += fmt.Sprintf(", %d without an answer", g.Failed)
	}
	devices := cmp.Or(g.Where, strings.Trim(fmt.Sprint(g.Devices), "[]"))
	switch {
	case len(g.Foreign) > 0:
		return one(Invalid, "a foreign process uses the GPUs: "+list(g.Foreign))
	case len(g.Growth) > 0:
		return one(Invalid, "GPU memory grew, and no process of the topology explains it: "+list(g.Growth))
	case g.Samples == 0:
		return one(Unchecked, g.Failure)
	case g.LastFailed || g.Failed > g.Samples-g.Failed:
		return one(Unchecked, samples+": "+strings.ReplaceAll(g.Failure, "\n", "; "))
	case !g.Attributed && g.NoMemory:
		return one(Unchecked, "nvidia-smi shows neither processes of ours nor the memory in use")
	case !g.Attributed:
		return one(Unchecked, "nvidia-smi shows no process of ours (another pid namespace?) in "+samples+
			"; memory grew by less than 1 GiB")
	}
	return one(Valid, fmt.Sprintf("only processes of the topology on GPU %s in %s", devices, samples))
}

func gpuClocks(c cell) []finding {
	switch g := c.e.GPUs; {
	case g == nil:
		return nil
	case len(g.Slowed) > 0: // of a host, even where another one shows nothing
		return one(Note, "GPUs throttled during the cell: "+strings.Join(g.Slowed, "; "))
	case g.Samples == g.Failed:
		return nil
	case g.NoClocks != "":
		return one(Unchecked, "cannot read why GPUs throttle: "+firstLine(g.NoClocks))
	}
	return nil
}

// Limits of the client, as shares.
const (
	clientBusy      = 0.90 // of all CPUs that it may use
	clientThrottled = 0.05 // of the periods of its cgroup
	processBusy     = 0.95 // of one CPU, in one process
)

func clientCPU(c cell) []finding {
	u := c.e.Client
	if u == nil {
		return nil
	}
	if u.Unread != "" {
		return one(Unchecked, "cannot read the CPU use of aiperf: "+u.Unread)
	}
	var limits []string
	limit := func(format string, args ...any) { limits = append(limits, fmt.Sprintf(format, args...)) }
	if all := u.Elapsed * u.CPUs; all > 0 && u.Seconds/all > clientBusy {
		limit("aiperf used %.0f %% of the %.3g CPUs that it may use", 100*u.Seconds/all, u.CPUs)
	}
	if u.Periods > 0 && u.Throttled/u.Periods > clientThrottled {
		limit("its CPU quota was used up in %.0f %% of the periods", 100*u.Throttled/u.Periods)
	}
	if u.Busiest > processBusy {
		limit("%s used %.0f %% of one CPU", u.Process, 100*u.Busiest)
	}
	if len(limits) == 0 && u.Balancer != "" {
		return one(Unchecked, "cannot read the CPU use of "+u.Balancer)
	}
	return when(len(limits) > 0, Note, "the client is the limit: "+strings.Join(limits, "; "))
}

func kernel(c cell) []finding {
	k := c.e.Kernel
	if k == nil {
		return nil
	}
	return slices.Concat(when(k.Unread != "", Unchecked, "cannot read the kernel log: "+k.Unread),
		when(len(k.Messages) > 0, Note, "kernel log: "+list(k.Messages)))
}

func cluster(c cell) []finding {
	k := c.e.Cluster
	if k == nil {
		return nil
	}
	more := ""
	if n := len(k.Events) - shown; n > 0 {
		more = fmt.Sprintf("; and %d more", n)
	}
	return slices.Concat(when(k.Unread != "", Unchecked, "cannot read the events of the cluster: "+firstLine(k.Unread)),
		when(len(k.Events) > 0, Note, "events of the cluster: "+list(k.Events)+more))
}

// nginxContext is the request that nginx appends to a fault. Only the server in it is news.
var nginxContext = regexp.MustCompile(`, client: .*upstream: "\w+://([^/"]+).*`) // constant

func nginx(c cell) []finding {
	n := c.e.Nginx
	switch {
	case n == nil:
		return nil
	case n.Unread != "":
		return one(Unchecked, unreadNginx+n.Unread)
	case len(n.Faults) == 0:
		return nil
	}
	faults := "faults"
	if len(n.Faults) == 1 {
		faults = "fault"
	}
	first := nginxContext.ReplaceAllString(n.Faults[0], " ($1)")
	return one(Note, fmt.Sprintf("nginx had %d %s with its servers: %s", len(n.Faults), faults, first))
}

func tunnel(c cell) []finding { return when(c.e.Tunnel != "", Note, c.e.Tunnel) }

func relaunched(c cell) []finding { return when(c.e.Relaunched != "", Note, c.e.Relaunched) }

func drifted(c cell) []finding { return when(c.e.Drift != "", Note, c.e.Drift) }
