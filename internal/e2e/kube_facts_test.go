//go:build kube

package e2e_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"topobench/internal/artifacts"
	"topobench/internal/kube"
)

// TestKubeFacts has one cluster for what topobench knows of a cluster.
func TestKubeFacts(t *testing.T) {
	newCluster(t).parts([]part{{"Doctor", doctorOfACluster}, {"Events", eventsOfACell}, {"Watch", watchedPods}},
		[]part{{"Ghost", ghostInstance}, {"Alike", alikeNames}})
}

// checkProvenance: a launch has the images, the nodes and the objects as they were.
func (c cluster) checkProvenance(r *running, artifactsDir string) {
	c.Helper()
	p := c.provenance(r, artifactsDir)
	if p.Cluster == nil || len(p.Cluster.Nodes) != 1 || len(p.Cluster.Pods) == 0 {
		c.Fatalf("%+v", p.Cluster)
	}
	facts := p.Cluster.Nodes[0].Facts
	if facts["GPU model"] != "SIMULATED-H100" || facts["driver"] != "580.65.06" || facts["instance type"] != "rig.1" || facts["GPUs"] != "8" ||
		!strings.HasPrefix(facts["container runtime"], "containerd://") || facts["kernel"] == "" || p.Facts["driver"] != "580.65.06" {
		c.Errorf("%v, %v", facts, p.Facts)
	}
	for _, pod := range p.Cluster.Pods {
		if pod.Node != "node0" || len(pod.Images) == 0 || !strings.Contains(pod.Images[0], "sha256:") {
			c.Errorf("%+v", pod)
		}
	}
	if config := c.read(filepath.Join(r.root, artifactsDir, "deployment_config.json")); !strings.Contains(config, `"GPU model": "SIMULATED-H100"`) {
		c.Error(config)
	}
	created, admitted := c.read(filepath.Join(r.path(), p.Cluster.Created)), c.read(filepath.Join(r.path(), p.Cluster.Admitted))
	if strings.Contains(created, "clusterIP:") || !strings.Contains(admitted, "clusterIP:") || !strings.Contains(admitted, "nodeName: node0") {
		c.Errorf("created:\n%s\nadmitted:\n%s", created, admitted)
	}
}

// provenance is that of the only launch of a topology.
func (c cluster) provenance(r *running, artifactsDir string) artifacts.Provenance {
	c.Helper()
	all, err := artifacts.ReadProvenance(filepath.Join(r.root, artifactsDir))
	c.check(err)
	if len(all) != 1 {
		c.Fatalf("%d launches", len(all))
	}
	return all[0]
}

// as makes a user who has the rights that a profile needs in a namespace, and no others, and returns the path of its
// configuration.
func (c cluster) as(namespace, profile string) string {
	c.Helper()
	rules := []map[string]any{}
	for _, right := range kube.Rights([]kube.Topology{c.made(profile)}) {
		rules = append(rules, map[string]any{"apiGroups": []string{right.Group}, "resources": []string{right.Resource}, "verbs": []string{right.Verb}})
	}
	text, err := json.Marshal(map[string]any{"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": map[string]string{"name": "bounded"}, "rules": rules})
	c.check(err)
	c.kubectl(string(text), "-n", namespace, "create", "-f", "-")
	c.kubectl("", "-n", namespace, "create", "rolebinding", "bounded", "--role", "bounded", "--user", "bounded")
	path := filepath.Join(c.dir, "bounded.config")
	config := strings.Replace(c.read(os.Getenv("KUBECONFIG")), "user: {", "user: {as: bounded, ", 1)
	c.check(os.WriteFile(path, []byte(config), 0o600))
	return path
}

// eventsOfACell: a pod of somebody else cannot start during a cell. The cell counts, with a note. The user may not read
// nodes, and has exactly the rights that are checked before.
func eventsOfACell(c cluster) {
	flags, before := c.withNeighbour("events")
	c.Setenv("KUBECONFIG", c.as("events", "demo-agg"))
	r := c.start("run", append([]string{"run", "demo-agg"}, flags...)...)
	r.inCell()
	c.kubectl("", "-n", "events", "run", "broken", "--image", "localhost/absent:1")
	r.ends(0)
	c.kubectl("", "-n", "events", "delete", "pod", "broken", "--now")
	sidecar := c.read(filepath.Join(r.root, "artifacts_0", artifacts.CellName(1), artifacts.SidecarName))
	if !strings.Contains(sidecar, `"events of the cluster: pod/broken: `) || !strings.Contains(sidecar, "localhost/absent:1") {
		c.Error(sidecar)
	}
	if p := c.provenance(r, "artifacts_0"); len(p.Cluster.Nodes) != 0 || !strings.Contains(strings.Join(p.Missing, "|"), `the nodes: Error from server (Forbidden)`) {
		c.Errorf("%+v, missing %q", p.Cluster, p.Missing)
	}
	c.untouched("events", before)
}

// doctorOfACluster: each row has its check, with the code that run would end with. Nothing is created.
func doctorOfACluster(c cluster) {
	flags, _ := c.withNeighbour("doctor")
	flags = flags[:len(flags)-2] // without the grace of a run
	c.kubectl("", "-n", "doctor", "create", "service", "clusterip", "demo-agg-nginx", "--tcp=80")
	before := c.named("doctor")
	admin, bounded := os.Getenv("KUBECONFIG"), c.as("doctor", "demo-disagg")
	for _, row := range []struct {
		name, config string
		args         []string
		code         int
		checks       []string
	}{
		{"all is well", admin, []string{"demo-disagg"}, 0, []string{"ok context", "ok namespace", "ok operator", "ok rights", "ok objects", "ok nodes", "ok load-image"}},
		{"no profile", admin, nil, 0, []string{"ok context", "ok nodes"}},
		{"nine GPUs of eight", admin, []string{"demo-disagg", "--set", `kubernetes.pod={containers: [{name: main, resources: {limits: {nvidia.com/gpu: "9"}}}]}`}, 0,
			[]string{"warning nodes with 9 GPUs: its pods may use 1 node with 8 GPUs (node0 8"}},
		{"no such node", admin, []string{"demo-disagg", "--set", "kubernetes.node_selector={zone: absent}"}, 0, []string{"warning nodes its pods may use 0 nodes with 0 GPUs"}},
		{"a name of somebody else", admin, []string{"demo-agg"}, 6, []string{`failure objects "demo-agg-nginx" already exists`}},
		{"a user who may not read nodes", bounded, []string{"demo-disagg"}, 0, []string{"ok rights", "ok objects", "warning nodes not known", "warning quota not known"}},
		{"no rights", admin, []string{"demo-disagg", "--kube-context", "nobody"}, 2, []string{"failure rights create jobs.batch, delete jobs.batch", "failure rights create dynamographdeployments.nvidia.com"}},
		{"no namespace", admin, []string{"demo-disagg", "--kube-namespace", "absent"}, 2, []string{`failure namespace namespaces "absent" not found`}},
		{"no context", admin, []string{"demo-disagg", "--kube-context", "absent"}, 2, []string{"failure context kubectl config get-contexts"}},
	} {
		c.Setenv("KUBECONFIG", row.config)
		var report struct {
			Code   int `json:"exit_code"`
			Checks []struct{ Check, State, Found, Remedy string }
		}
		args := append([]string{topobench, "doctor", "--json", "--artifacts-root-dir", filepath.Join(c.dir, "doctor")}, append(flags, row.args...)...)
		command := exec.Command(os.Args[0], args...)
		out, err := command.Output()
		if code := command.ProcessState.ExitCode(); code != row.code || json.Unmarshal(out, &report) != nil || report.Code != row.code {
			c.Errorf("%s: exit code %d, want %d: %v\n%s", row.name, code, row.code, err, out)
		}
		all := ""
		for _, check := range report.Checks {
			all += check.State + " " + check.Check + " " + check.Found + "; " + check.Remedy + "\n"
		}
		for _, want := range row.checks {
			words := strings.SplitN(want, " ", 3)
			if !slices.ContainsFunc(strings.Split(all, "\n"), func(line string) bool {
				return strings.HasPrefix(line, words[0]+" "+words[1]+" ") && strings.Contains(line, words[len(words)-1])
			}) {
				c.Errorf("%s: no %q in\n%s", row.name, want, all)
			}
		}
	}
	c.Setenv("KUBECONFIG", admin)
	c.untouched("doctor", before)
}

// watchedPods: the end of the kubectl that watches the pods is no cause: another one follows. The death of a pod ends its
// launch at once.
func watchedPods(c cluster) {
	flags, before := c.withNeighbour("watched")
	r := c.start("run", append([]string{"run", "demo-disagg"}, flags...)...)
	r.await("the graph is there", func() bool {
		return strings.Contains(c.objects("watched"), "dynamographdeployment.nvidia.com/demo-disagg")
	})
	c.kubectl("", "-n", "watched", "wait", "--for=condition=Ready", "dgd/demo-disagg", "--timeout=60s")
	ready := time.Now()
	noticed := r.first("service", func(e event) bool { return e.Event == "service" })
	c.Logf("figure: from the condition Ready until every server answers, and the place is recorded: %v", noticed.Time.Sub(ready).Round(10*time.Millisecond))
	if noticed.Time.Sub(ready) > 5*time.Second {
		c.Errorf("noticed after %v", noticed.Time.Sub(ready))
	}
	r.inCell()
	first := r.watches()
	if len(first) != 1 {
		c.Fatalf("%d watches", len(first))
	}
	c.check(syscall.Kill(first[0], syscall.SIGKILL))
	r.await("another watch begins", func() bool { now := r.watches(); return len(now) == 1 && now[0] != first[0] })
	c.kubectl("", "-n", "watched", "delete", "pod", "-l", "topobench/role=decode", "--wait=false")
	deleted := time.Now()
	lost := r.first("launch-lost", func(e event) bool { return e.Event == "launch-lost" })
	c.Logf("figure: from the deletion of a pod until the launch is given up, with the end of aiperf: %v", lost.Time.Sub(deleted).Round(10*time.Millisecond))
	// aiperf has 5 s to end after its SIGINT.
	if lost.Class != "worker-died" || !strings.Contains(lost.Error, "decode") || lost.Time.Sub(deleted) > 10*time.Second {
		c.Errorf("%v after the deletion: %+v", lost.Time.Sub(deleted), lost)
	}
	r.signal(syscall.SIGINT) // Resume has the second launch
	r.ends(130)
	c.untouched("watched", before)
}

// watches are the pids of the kubectls that watch for a run.
func (r *running) watches() (pids []int) {
	for _, p := range r.Living() {
		line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", p.PID))
		if words := strings.Split(string(line), "\x00"); err == nil && slices.Contains(words, "--watch") && !slices.Contains(words, "shepherd") {
			pids = append(pids, p.PID)
		}
	}
	return pids
}

// ghostInstance: a pod of somebody else registers as one more prefill worker. The frontend would send it requests, so
// the cell does not count, and the topology is launched again. That launch serves once the pod is gone.
func ghostInstance(c cluster) {
	flags, before := c.withNeighbour("ghost")
	flags = with(flags, "--orphan-grace", "1m")
	// The pod is ready only after some seconds, for which one cell is too short.
	flags[slices.Index(flags, "--concurrency")+1] = "1,2"
	// As NVIDIA's operator has it since 1.0.
	r := c.start("run", append([]string{"run", "demo-disagg", "--set", "env={DYN_NAMESPACE_WORKER_SUFFIX: 1a2b}"}, flags...)...)
	r.inCell()
	c.kubectl(c.ghost("ghost"), "create", "-f", "-")
	created := time.Now()
	lost := r.first("launch-lost", func(e event) bool { return e.Event == "launch-lost" })
	if lost.Class != "workers" || !strings.Contains(lost.Error, "instances: 5 of 4 prefill") {
		c.Errorf("%+v", lost)
	}
	c.lap("from the creation of a further worker until the launch is given up", created)
	c.kubectl("", "-n", "ghost", "delete", "pod", "ghost", "--now")
	r.ends(0)
	c.untouched("ghost", before)
}

// alikeNames: Dynamo's frontend takes the workers of each namespace that begins with its own, and so those of another
// run whose topology has a longer name. The gate of the frontend stays closed while they are there.
func alikeNames(c cluster) {
	flags, before := c.withNeighbour("alike")
	flags = with(flags, "--orphan-grace", "1m")
	other := c.start("other", append([]string{"run", "demo-disagg", "--keep", "--set", "name=demo-disagg-two"}, flags...)...)
	other.first("cell-done", func(e event) bool { return e.Event == "cell-done" })
	r := c.start("run", append([]string{"run", "demo-disagg", "--timeout-ready", "45s"}, flags...)...)
	r.ends(4)
	if out := r.output(); !strings.Contains(out, "it sends to the workers of alike-demo-disagg-two too") {
		c.Error(out)
	}
	other.signal(syscall.SIGINT)
	other.ends(0)
	c.untouched("alike", before)
}

// ghost is a pod like the first prefill worker of a namespace that no ReplicaSet owns: the Service of the workers has
// it, and the topology does not.
func (c cluster) ghost(namespace string) string {
	c.Helper()
	const labels = "topobench/role=prefill"
	var pods struct {
		Items []map[string]any `json:"items"`
	}
	c.check(json.Unmarshal([]byte(c.kubectl("", "-n", namespace, "get", "pods", "-l", labels, "-o", "json")), &pods))
	pod := pods.Items[0]
	own := map[string]any{}
	for name, value := range pod["metadata"].(map[string]any)["labels"].(map[string]any) {
		if strings.HasPrefix(name, "nvidia.com/") && name != "nvidia.com/dynamo-graph-deployment-name" {
			own[name] = value
		}
	}
	pod["metadata"] = map[string]any{"name": "ghost", "namespace": namespace, "labels": own}
	delete(pod, "status")
	text, err := json.Marshal(pod)
	c.check(err)
	return string(text)
}
