//go:build kube

package e2e_test

import (
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"topobench/internal/testbed"
)

// campaign starts a run in a namespace.
func (c cluster) campaign(name string, flags []string, args ...string) *running {
	c.Helper()
	return c.start(name, append(append([]string{"run"}, flags...), args...)...)
}

// small is a topology of one worker of each role, to run several at once.
func small(name string) []string {
	return []string{"demo-disagg", "--set", "name=" + name, "--set", "prefill={workers: 1}", "--set", "decode={workers: 1}",
		"--set", "timeouts.grace=3s"}
}

// with is the flags of a namespace with other values.
func with(flags []string, values ...string) []string {
	flags = slices.Clone(flags)
	for i := 0; i < len(values); i += 2 {
		flags[slices.Index(flags, values[i])+1] = values[i+1]
	}
	return flags
}

// deaths: topobench is killed before the pod of its load runs, in bring-up, in a cell and in a teardown. Nothing of
// these runs is left after the grace and some seconds. Another campaign in the same namespace, of Dynamo's own template
// of a mocker, goes on to the chart, and a further one cannot take its names.
func deaths(c cluster) {
	flags, before := c.withNeighbour("deaths")
	unborn := c.campaign("unborn", flags, append(small("unborn"), "--kube-load-image", "localhost/absent:1")...)
	unborn.await("the pod of the load is there", func() bool { return strings.Contains(c.named("deaths"), "Pod/topobench-") })
	c.clean("deaths", 6) // a run that waits for the image of its load is alive
	gone := []<-chan time.Duration{c.dies(unborn, c.kubectl("", "-n", "deaths", "get", "jobs", "-l", "topobench/run", "-o", "name"))}
	image, template := slices.Index(flags, "--kube-image"), c.template("deaths")
	ofManifest := slices.Delete(slices.Clone(flags), image, image+2) // the manifest has the image
	stays := c.campaign("stays", ofManifest, template)
	early := c.campaign("early", flags, small("early")...)
	early.await("its pods are there", func() bool { return strings.Contains(c.named("deaths"), "Pod/early-prefill") })
	gone = append(gone, c.dies(early, "/early-", early.job()))
	stays.inCell()
	taken := c.campaign("taken", ofManifest, template)
	taken.ends(6)
	if out := taken.output(); !strings.Contains(out, `dynamographdeployments.nvidia.com "mocker-disagg" already exists`) {
		c.Error(out)
	}
	// Not all at once: on two cores, the pods of four loads would wait for their agents longer than the grace.
	cell, late := c.campaign("cell", flags, small("cell")...), c.campaign("late", flags, small("late")...)
	cell.inCell()
	gone = append(gone, c.dies(cell, "/cell-", cell.job()))
	late.first("its teardown", func(e event) bool { return e.Event == "teardown-begin" })
	gone = append(gone, c.dies(late, "/late-", late.job()))
	stays.ends(0)
	for i, when := range []string{"before the pod of the load runs", "in bring-up", "in a cell", "in a teardown"} {
		took := <-gone[i]
		c.Logf("figure: from kill -9 %s until nothing is left: %v", when, took.Round(100*time.Millisecond))
		if took > shortGrace+afterGrace {
			c.Errorf("%s: nothing is left only after %v", when, took)
		}
	}
	c.untouched("deaths", before)
	c.kubectl("", "-n", "deaths", "rollout", "status", "deployment/theirs", "--timeout=1s")
	c.charts(stays.root, "dynamo_template_disaggregated")
}

// job is the begin of the names of a run's Job and of its pod.
func (r *running) job() string {
	r.Helper()
	return "/topobench-" + filepath.Base(r.path())
}

// dies kills a run. The channel has the time until no object in the namespace deaths has a part of a name.
func (c cluster) dies(r *running, parts ...string) <-chan time.Duration {
	c.Helper()
	r.signal(syscall.SIGKILL)
	killed, gone := time.Now(), make(chan time.Duration, 1)
	go func() {
		<-r.ended
		testbed.Soon(patience, func() bool {
			all, err := c.tryKubectl("", "-n", "deaths", "get", "jobs,dgd,deployments,services,pods,configmaps,dwm", "-o", "name")
			return err == nil && !slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(all, part) })
		})
		gone <- time.Since(killed)
	}()
	return gone
}

// stopped stops the API server for a time.
func (c cluster) stopped(d time.Duration) {
	c.Helper()
	pid := strings.TrimSpace(c.read(filepath.Join(c.run, "pids", "apiserver")))
	c.inside("kill", "-STOP", pid)
	<-time.After(d)
	c.inside("kill", "-CONT", pid)
}

// outage: an API server that is away for 5 s in a cell is no fault. One that is away until the pod of the load has ended
// by itself ends the run: the cell that was measured is kept, and everything is gone once the server answers.
func outage(c cluster) {
	flags, before := c.withNeighbour("outage")
	r := c.campaign("outage", with(flags, "--concurrency", "1,2"), small("outage")...)
	r.inCell()
	c.stopped(5 * time.Second)
	r.await("the second cell begins", func() bool { return r.count("cell-begin") == 2 })
	if r.count("launch-lost") > 0 || r.count("cell-done") != 1 {
		c.Errorf("5 s without an API server ended the launch:\n%s", r.output())
	}
	c.stopped(2*shortGrace + 5*time.Second)
	answers := time.Now()
	r.ends(3)
	c.lap("from the answer of the API server until the proved end", answers)
	c.untouched("outage", before)
}

// count counts events.
func (r *running) count(kind string) (n int) {
	r.Helper()
	for _, e := range r.journal() {
		if e.Event == kind {
			n++
		}
	}
	return n
}

// killsPod kills a pod of a role that was not there earlier, and reports whether there is one.
func (c cluster) killsPod(namespace, role, earlier string) bool {
	c.Helper()
	pods := c.kubectl("", "-n", namespace, "get", "pods", "-l", "topobench/role="+role, "-o",
		`jsonpath={range .items[*]}{.metadata.name} {.metadata.uid}{"\n"}{end}`)
	for line := range strings.Lines(pods) {
		name, uid, _ := strings.Cut(strings.TrimSpace(line), " ")
		if uid != "" && !strings.Contains(earlier, uid) {
			c.kubectl("", "-n", namespace, "delete", "pod", name, "--force", "--grace-period=0", "--ignore-not-found")
			return true
		}
	}
	return false
}

// resumed: a pod is killed in a cell, and the topology is launched again, once. topobench is killed in the second
// round. The campaign is continued in the same directory, and keeps its cell, though a pod is killed in its bring-up and
// another one in its teardown.
func resumed(c cluster) {
	flags, before := c.withNeighbour("resumed")
	flags = with(flags, "--orphan-grace", "1m")
	r := c.campaign("resumed", flags, append(small("twice"), "--repeats", "2")...)
	r.inCell()
	c.kubectl("", "-n", "resumed", "delete", "pod", "-l", "topobench/role=decode", "--wait=false")
	deleted := time.Now()
	r.first("launch-lost", func(e event) bool { return e.Event == "launch-lost" })
	c.lap("from the deletion of a pod in a cell until the launch is given up", deleted)
	r.await("the second round begins", func() bool { return r.count("cell-done") == 1 && r.count("launch-begin") == 3 })
	if out := r.output(); !strings.Contains(out, "restarting the topology, once") {
		c.Error(out)
	}
	r.await("its pods are there", func() bool { return strings.Contains(c.named("resumed"), "Pod/twice-prefill") })
	r.signal(syscall.SIGKILL)
	<-r.ended
	killed := time.Now()
	again := c.start("resumed", "run", "--resume")
	earlier := c.named("resumed") // pods of the dead run have the same names
	again.await("its own pods are there", func() bool {
		return c.killsPod("resumed", "prefill", earlier)
	})
	again.first("its teardown", func(e event) bool { return e.Event == "teardown-begin" && e.Time.After(killed) })
	c.kubectl("", "-n", "resumed", "delete", "pod", "-l", "topobench/role=decode", "--force", "--grace-period=0")
	again.ends(0)
	c.lap("from kill -9 in the second round until the end of the campaign", killed)
	c.untouched("resumed", before)
	out := again.output()
	for _, want := range []string{"1 cell is finished", " is dead: its objects in the cluster are deleted"} {
		if !strings.Contains(out, want) {
			c.Errorf("no %q in\n%s", want, out)
		}
	}
	if n := again.count("cell-done"); n != 2 {
		c.Errorf("%d cells were measured, not 2", n)
	}
	c.charts(r.root, "dynamo_mocker_disaggregated")
}
