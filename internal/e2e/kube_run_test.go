//go:build kube

package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestKubeRun has one cluster for the runs of topobench itself.
func TestKubeRun(t *testing.T) {
	newCluster(t).parts([]part{{"Chart", chartOfPods}, {"Deaths", deaths}, {"Outage", outage}},
		[]part{{"CleanByLabel", cleanByLabel}, {"Refused", refused}, {"Resume", resumed}})
}

// shortGrace is the --orphan-grace of a run, and the time after it in which nothing may be left.
const (
	shortGrace = 10 * time.Second
	afterGrace = 15 * time.Second
)

// withNeighbour makes a namespace with objects of somebody else, and returns flags of a run and what is there.
func (c cluster) withNeighbour(name string) (flags []string, before string) {
	c.Helper()
	flags = append(c.namespace(name), "--orphan-grace", shortGrace.String())
	c.kubectl(strings.Replace(neighbour, "NAME", "neighbour", 1), "-n", name, "create", "-f", "-")
	c.kubectl("", "-n", name, "create", "deployment", "theirs", "--image", dynamoImage, "--", "sleep", "600")
	c.kubectl("", "-n", name, "rollout", "status", "deployment/theirs", "--timeout=60s")
	return flags, c.named(name)
}

// named are the objects of a namespace with their UIDs.
func (c cluster) named(namespace string) string {
	c.Helper()
	return c.objects(namespace, "-o", `jsonpath={range .items[*]}{.kind}/{.metadata.name} {.metadata.uid}{"\n"}{end}`)
}

// untouched: what was there before a run is there, and nothing else.
func (c cluster) untouched(namespace, before string) {
	c.Helper()
	if after := c.named(namespace); after != before {
		c.Errorf("there is\n%s\nand before there was\n%s", after, before)
	}
}

// inCell waits until aiperf of a run is about to start.
func (r *running) inCell() {
	r.Helper()
	r.first("cell-begin", func(e event) bool { return e.Event == "cell-begin" })
}

// chartOfPods: prefill and decode, and the baseline behind nginx, are measured in the cluster. Nothing is left.
func chartOfPods(c cluster) {
	flags, before := c.withNeighbour("chart")
	c.kubectl("", "label", "node", "node0", "nvidia.com/gpu.product=SIMULATED-H100", "nvidia.com/gpu.memory=81559",
		"nvidia.com/cuda.driver-version.full=580.65.06", "node.kubernetes.io/instance-type=rig.1")
	calls := c.countsKubectl()
	begun := time.Now()
	r := c.start("run", append([]string{"run", "demo-disagg", "demo-agg", "--verbose"}, flags...)...)
	r.ends(0)
	c.lap("run --kube of two topologies with one cell each", begun)
	c.Logf("figure: it called kubectl %d times", strings.Count(c.read(calls), "\n"))
	for line := range strings.Lines(r.output()) {
		if words := strings.Fields(line); len(words) == 3 && slices.Contains([]string{"seconds", "launch", "smoke", "teardown", "own"}, words[0]) {
			c.Logf("figure: %s", strings.Join(words, " "))
		}
	}
	c.untouched("chart", before)
	c.charts(r.root, "dynamo_mocker_disaggregated", "vllm_mocker_aggregated")
	for _, dir := range []string{"artifacts_0", "artifacts_1"} {
		config := c.read(filepath.Join(r.root, dir, "deployment_config.json"))
		for _, want := range []string{`"Kubernetes": "v1.`, `"nodes": "node0"`, `dynamo-planner:1.6.1 (sha256:`, `"aiperf": "0.13`} {
			if !strings.Contains(config, want) {
				c.Errorf("%s: no %s in %s", dir, want, config)
			}
		}
	}
	c.checkProvenance(r, "artifacts_1")
	if manifests := c.read(filepath.Join(r.path(), "demo-disagg.manifests.yaml")); !strings.Contains(manifests, "kind: DynamoGraphDeployment") ||
		strings.Contains(manifests, "@OWNER@") {
		c.Error(manifests)
	}
	proved, ended, deleted := 0, 0, time.Time{}
	for _, e := range r.journal() {
		switch e.Event {
		case "teardown-begin":
			deleted = e.Time
		case "teardown-proved":
			proved++
			c.Logf("figure: %s was deleted, its pods stopped and proved gone within %v", e.Topology, e.Time.Sub(deleted).Round(100*time.Millisecond))
		case "cluster-end":
			ended++
		}
	}
	if proved != 2 || ended != 1 {
		c.Errorf("%d proofs, and %d ends of the Job", proved, ended)
	}
}

// countsKubectl has every later call of kubectl in a file, a line each.
func (c cluster) countsKubectl() (calls string) {
	c.Helper()
	calls = filepath.Join(c.dir, "calls")
	real, err := exec.LookPath("kubectl")
	c.check(err)
	bin := filepath.Join(c.dir, "bin")
	c.check(os.Mkdir(bin, 0o700))
	script := "#!/bin/sh\necho \"$(date +%s.%N) $*\" >>" + calls + "\nexec " + real + " \"$@\"\n"
	c.check(os.WriteFile(filepath.Join(bin, "kubectl"), []byte(script), 0o700))
	c.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	return calls
}

// cleanByLabel: clean leaves a run that may be alive, and deletes it by force, without a run's directory. Beside it,
// Ctrl-C while the pods start.
func cleanByLabel(c cluster) {
	flags, before := c.withNeighbour("cleaned")
	flags = with(flags, "--orphan-grace", "1m")                                                  // three tests start pods at once
	other := c.campaign("other", flags, append(small("other"), "--set", "timeouts.grace=1m")...) // no pod takes it
	flags[len(flags)-1] = "10m"
	r := c.start("run", append([]string{"run", "demo-agg"}, flags...)...)
	other.await("its pods are there", func() bool { return strings.Contains(c.objects("cleaned"), "pod/other-decode") })
	other.signal(syscall.SIGINT)
	interrupted := time.Now()
	r.await("the pods are ready", func() bool { return strings.Contains(c.objects("cleaned"), "deployment.apps/demo-agg-aggregated-1") })
	r.signal(syscall.SIGKILL)
	<-r.ended
	other.ends(130)
	c.lap("from Ctrl-C in bring-up until the proved end", interrupted)
	// It kills what dead runs have left on this machine, which is the node too; others run.
	local, _ := exec.Command(os.Args[0], topobench, "clean").CombinedOutput()
	first := c.clean("cleaned", 6)
	if strings.Contains(string(local), "sh -c n=0") {
		c.Errorf("it has killed a process in a pod:\n%s", local)
	}
	begun := time.Now()
	out := c.clean("cleaned", 0, "--force")
	c.lap("clean --kube --force", begun)
	if !strings.Contains(out, "deployment/demo-agg-aggregated-1") || strings.Contains(out, "theirs") {
		c.Errorf("clean said first:\n%s\nand by force:\n%s\nof the run:\n%s", first, out, r.output())
	}
	c.untouched("cleaned", before)
	if out := c.clean("cleaned", 0); !strings.Contains(out, "nothing is left") {
		c.Error(out)
	}
}

// clean runs clean in a namespace, and returns what it prints.
func (c cluster) clean(namespace string, code int, flags ...string) string {
	c.Helper()
	r := exec.Command(os.Args[0], append([]string{topobench, "clean", "--kube", "--kube-namespace", namespace}, flags...)...)
	out, err := r.CombinedOutput()
	if got := r.ProcessState.ExitCode(); got != code {
		c.Fatalf("clean %v: exit code %d, want %d: %v\n%s", flags, got, code, err, out)
	}
	return string(out)
}

// refused: what no run can begin with, each with its cause, its code, and nothing left.
func refused(c cluster) {
	flags, _ := c.withNeighbour("refused")
	flags = with(flags, "--orphan-grace", "1m")
	c.kubectl("", "-n", "refused", "create", "service", "clusterip", "demo-agg-nginx", "--tcp=80")
	before := c.named("refused")
	rows := []struct {
		name  string
		args  []string
		code  int
		words []string
	}{
		{"no image", []string{"demo-disagg", "--kube-image", "localhost/absent:1.6.1", "--kube-load-image", dynamoImage}, 4, []string{"localhost/absent:1.6.1", "kubernetes.pull_secret"}},
		{"a crash", []string{"demo-disagg", "--set", "name=crashes", "--set", "prefill={workers: 1, engine_args: [--nonsense]}"}, 4, []string{"ended with code 2", "unrecognized arguments: --nonsense"}},
		{"a name of somebody else", []string{"demo-agg"}, 6, []string{`"demo-agg-nginx" already exists`}},
		{"no namespace", []string{"demo-disagg", "--kube-namespace", "absent"}, 2, []string{`namespaces "absent" not found`}},
		{"no context", []string{"demo-disagg", "--kube-context", "absent"}, 2, []string{"kubectl config get-contexts"}},
		{"no rights", []string{"demo-disagg", "--kube-context", "nobody"}, 2, []string{"cannot create"}},
	}
	var runs []*running
	for _, row := range rows { // at once
		runs = append(runs, c.start(strings.ReplaceAll(row.name, " ", "-"), append(append([]string{"run"}, flags...), row.args...)...))
	}
	for i, row := range rows {
		c.Run(row.name, func(t *testing.T) {
			r := runs[i]
			r.T = t
			r.ends(row.code)
			for _, word := range row.words {
				if !strings.Contains(r.output(), word) {
					t.Errorf("no %q in %s", word, r.output())
				}
			}
		})
	}
	c.untouched("refused", before)
}
