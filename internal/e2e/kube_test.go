//go:build kube

package e2e_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"topobench/internal/aiperf"
	"topobench/internal/kube"
	"topobench/internal/profile"
	"topobench/internal/programs"
	"topobench/internal/testbed"
	"topobench/profiles"
)

// TestKube has one cluster for all its parts.
func TestKube(t *testing.T) {
	newCluster(t).parts([]part{{"DryRun", dryRun}, {"Causes", causes}, {"Lies", lies}, {"Pause", pausedServer}},
		[]part{{"ByHand", byHand}, {"Manifest", ofManifest}, {"Foreign", foreign}, {"Owner", owner}, {"Killed", killed}})
}

// neighbour is a graph of another owner.
const neighbour = `{apiVersion: nvidia.com/v1beta1, kind: DynamoGraphDeployment, metadata: {name: NAME}, spec: {components: []}}`

// byHand runs the lines that plan prints, for prefill and decode and for the baseline behind nginx. A chart is drawn
// from the results, nothing is left, and an object of another owner is untouched.
func byHand(c cluster) {
	flags := c.namespace("by-hand")
	c.kubectl(strings.Replace(neighbour, "NAME", "neighbour", 1), "-n", "by-hand", "create", "-f", "-")
	before := c.objects("by-hand")
	path := c.plan("plan", append([]string{"demo-disagg", "demo-agg"}, flags...)...)
	begun := time.Now()
	out, err := c.bash(path)
	if err != nil {
		c.Fatalf("%v\n%s", err, out)
	}
	c.lap("two topologies by hand", begun)
	if after := c.objects("by-hand"); after != before {
		c.Errorf("left:\n%s\nbefore:\n%s", after, before)
	}
	c.charts(filepath.Join(c.dir, "plan"), "dynamo_mocker_disaggregated", "vllm_mocker_aggregated")
}

// charts draws a chart of a root, and checks that it has the series, each with valid cells.
func (c cluster) charts(root string, series ...string) {
	c.Helper()
	out, err := exec.Command(os.Args[0], topobench, "plot", "--artifacts-root-dir", root, "--out", c.dir).CombinedOutput()
	if err != nil {
		c.Fatalf("plot: %v\n%s", err, out)
	}
	for _, label := range series {
		if !strings.Contains(string(out), label) {
			c.Errorf("the chart lacks %s:\n%s", label, out)
		}
	}
}

// ofManifest runs Dynamo's own template of a mocker, with another model in it.
func ofManifest(c cluster) {
	flags := c.namespace("manifest")
	path := c.template("manifest")
	before := c.objects("manifest")
	image := 0
	for i, flag := range flags { // the manifest has the image
		if flag == "--kube-image" {
			image = i
		}
	}
	out, err := c.bash(c.plan("plan", append([]string{path}, append(flags[:image:image], flags[image+2:]...)...)...))
	if err != nil {
		c.Fatalf("%v\n%s", err, out)
	}
	if after := c.objects("manifest"); after != before {
		c.Errorf("left:\n%s\nbefore:\n%s", after, before)
	}
	c.charts(filepath.Join(c.dir, "plan"), "dynamo_template_disaggregated")
}

// template is a profile with Dynamo's own template of a mocker, with another model in it, for a namespace.
func (c cluster) template(namespace string) (path string) {
	c.Helper()
	template := filepath.Join(programs.CacheDir(os.Getenv), "dynamo-1.6.1/lib/python3*/site-packages/dynamo/profiler/templates/dgd/mocker/disagg.yaml")
	found, err := filepath.Glob(template)
	if err != nil || len(found) != 1 {
		c.Fatalf("%v, %v of %s", found, err, template)
	}
	manifest := strings.NewReplacer("--model-path\n          - nvidia/Llama-3.1-8B-Instruct-FP8", "--model-path\n          - /models/tiny",
		"nvidia/Llama-3.1-8B-Instruct-FP8", "tiny").Replace(c.read(found[0]))
	c.check(os.WriteFile(filepath.Join(c.dir, "disagg.yaml"), []byte(manifest), 0o600))
	c.kubectl("", "-n", namespace, "create", "secret", "generic", "hf-token-secret", "--from-literal=HF_TOKEN=none")
	path = filepath.Join(c.dir, "p.yaml")
	text := "name: template\nkind: dynamo_template\ntokenizer: /models/tiny\nkubernetes: {manifest: disagg.yaml}\n"
	c.check(os.WriteFile(path, []byte(text), 0o600))
	return path
}

// dryRun checks the manifests of every built-in profile with the API server.
func dryRun(c cluster) {
	for _, name := range profiles.Names() {
		topology := c.made(name)
		for _, wave := range topology.Waves {
			for _, o := range wave {
				text := strings.ReplaceAll(o.Text, kube.Owner, "00000000-0000-4000-8000-000000000000")
				if out, err := c.tryKubectl(text, "create", "--dry-run=server", "--validate=strict", "-f", "-"); err != nil {
					c.Errorf("%s: %s\n%s", name, out, text)
				}
			}
		}
	}
}

// made are the objects of a built-in profile.
func (c cluster) made(name string, settings ...string) kube.Topology {
	c.Helper()
	text, err := profiles.Read(name)
	c.check(err)
	settings = append([]string{"kubernetes.image=" + dynamoImage, "kubernetes.model_storage.host_path=" + filepath.Dir(tiny())}, settings...)
	p, err := profile.Reader{Getenv: os.Getenv, Cache: programs.CacheDir(os.Getenv), Set: settings}.Parse("built-in "+name, []byte(text))
	c.check(err)
	topology, err := kube.Make(p, nil, "run-1", aiperf.Options{Seed: aiperf.GuideSeed})
	c.check(err)
	return topology
}

// foreign: a graph of the same name that has another owner stays as it is, and so does all beside it.
func foreign(c cluster) {
	flags := c.namespace("foreign")
	c.kubectl(strings.Replace(neighbour, "NAME", "demo-disagg", 1), "-n", "foreign", "create", "-f", "-")
	c.kubectl("", "-n", "foreign", "wait", "--for=condition=Ready", "dgd/demo-disagg", "--timeout=30s") // the operator's last word
	before := c.objects("foreign") + c.kubectl("", "-n", "foreign", "get", "dgd", "-o", "jsonpath={.items[*].metadata.resourceVersion}")
	out, err := c.bash(c.plan("plan", append([]string{"demo-disagg"}, flags...)...))
	if err == nil || !strings.Contains(out, `"demo-disagg" already exists`) {
		c.Errorf("%v:\n%s", err, out)
	}
	testbed.Eventually(c.T, patience, func() bool { return !strings.Contains(c.objects("foreign"), "topobench") })
	after := c.objects("foreign") + c.kubectl("", "-n", "foreign", "get", "dgd", "-o", "jsonpath={.items[*].metadata.resourceVersion}")
	if after != before {
		c.Errorf("after:\n%s\nbefore:\n%s", after, before)
	}
}

// owner: the end of the load's pod deletes everything, without a client.
func owner(c cluster) {
	c.namespace("owner")
	before := c.objects("owner")
	topology := c.made("demo-disagg")
	job, err := kube.Load("run-1", []kube.Topology{topology}, time.Hour, []string{"sleep", "40"})
	c.check(err)
	c.kubectl(job.Text, "-n", "owner", "create", "-f", "-")
	uid := c.kubectl("", "-n", "owner", "get", "job", job.Name, "-o", "jsonpath={.metadata.uid}")
	for _, o := range topology.Waves[0] {
		c.kubectl(strings.ReplaceAll(o.Text, kube.Owner, uid), "-n", "owner", "create", "-f", "-")
	}
	c.kubectl("", "-n", "owner", "wait", "--for=jsonpath={.status.ready}=1", "job/"+job.Name, "--timeout=60s")
	var ready kube.Readiness
	testbed.Eventually(c.T, patience, func() bool {
		ready = c.judge("owner", topology, ready.Restarts)
		return ready.Ready()
	})
	c.kubectl("", "-n", "owner", "wait", "--for=condition=Ready", "dgd/"+topology.Name, "--timeout=1s") // no later than its condition
	c.kubectl("", "-n", "owner", "wait", "--for=delete", "pod", "-l", "topobench/role=load", "--timeout=60s")
	ended := time.Now()
	testbed.Eventually(c.T, patience, func() bool { return c.objects("owner") == before })
	c.lap("from the end of the load's pod until nothing is left", ended)
	if out := c.kubectl("", "-n", "owner", "get", "events", "-o", fmt.Sprintf("jsonpath={.items[?(@.reason==%q)].message}", "OwnerRefInvalidNamespace")); out != "" {
		c.Error(out)
	}
}

// judge looks at a namespace once. Restarts and pods that come while a topology starts are no cause yet.
func (c cluster) judge(namespace string, topology kube.Topology, before map[string]int) kube.Readiness {
	c.Helper()
	k := kube.Kubectl{Program: "kubectl", Namespace: namespace}
	snapshot, err := kube.ReadSnapshot([]byte(c.kubectl("", k.Snapshot(true)[1:]...)))
	c.check(err)
	if len(before) < len(topology.Ready) {
		before = nil
	}
	return topology.Judge(snapshot, 0, before)
}

// causes: what keeps a topology from becoming ready is known within 10 s.
func causes(c cluster) {
	const limit = 10 * time.Second
	c.namespace("causes")
	for name, want := range map[string]struct {
		settings []string
		kind     kube.CauseKind
	}{
		"no-image":  {[]string{"kubernetes.image=r.example/absent:1.6.1"}, kube.ImagePull},
		"no-node":   {[]string{"kubernetes.node_selector={gpu: absent}"}, kube.Unschedulable},
		"no-gpus":   {[]string{`kubernetes.pod={containers: [{name: main, resources: {limits: {nvidia.com/gpu: "9"}}}]}`}, kube.Unschedulable},
		"no-claim":  {[]string{"kubernetes.pod={volumes: [{name: v, persistentVolumeClaim: {claimName: absent}}]}"}, kube.Volume},
		"no-option": {[]string{"engine_args=[--no-such-option]"}, kube.CrashLoop},
	} {
		topology := c.made("demo-disagg", append([]string{"name=" + name}, want.settings...)...)
		c.create("causes", topology, "")
		created := time.Now()
		var got kube.Readiness
		found := testbed.Soon(patience, func() bool {
			got = c.judge("causes", topology, nil)
			return len(got.Causes) > 0
		})
		took := time.Since(created)
		if !found || got.Causes[0].Kind != want.kind || took > limit && want.kind != kube.CrashLoop {
			c.Errorf("%s: %v after %v: %+v", name, found, took, got)
		}
		c.lap(name+" is known as "+string(want.kind), created)
		c.kubectl("", "-n", "causes", "delete", "dgd", topology.Name)
	}
}

// create creates the first wave without an owner: without its Job the garbage collector would delete it. annotations
// are more lines of the metadata.
func (c cluster) create(namespace string, topology kube.Topology, annotations string) {
	c.Helper()
	for _, o := range topology.Waves[0] {
		owner, spec := strings.Index(o.Text, "  ownerReferences:"), strings.Index(o.Text, "spec:")
		c.kubectl(o.Text[:owner]+annotations+o.Text[spec:], "-n", namespace, "create", "-f", "-")
	}
}

// lies: kubectl wait takes a status for ready that is of an earlier generation, or lacks a component.
func lies(c cluster) {
	c.namespace("lies")
	for _, lie := range []struct{ kind, want string }{
		{"generation", "graph lie-generation: generation 1 is not observed yet"}, {"component", "graph lie-component: its status lacks prefill"},
	} {
		topology := c.made("demo-disagg", "name=lie-"+lie.kind)
		c.create("lies", topology, "  annotations: {topobench/lie: "+lie.kind+"}\n")
		c.kubectl("", "-n", "lies", "wait", "--for=condition=Ready", "dgd/"+topology.Name, "--timeout=30s")
		got := c.judge("lies", topology, nil)
		if got.Ready() || !strings.Contains(strings.Join(got.Waiting, "\n"), lie.want) {
			c.Errorf("%s: %+v", lie.kind, got)
		}
		c.kubectl("", "-n", "lies", "delete", "dgd", topology.Name)
	}
}

// pausedServer: an API server that is stopped for 5 s is no failure of a topology, and kubectl's own message is known
// where it is gone.
func pausedServer(c cluster) {
	c.inside("kill", "-STOP", strings.TrimSpace(c.read(filepath.Join(c.run, "pids", "apiserver"))))
	begun := time.Now()
	resumed := time.AfterFunc(5*time.Second, func() {
		c.inside("kill", "-CONT", strings.TrimSpace(c.read(filepath.Join(c.run, "pids", "apiserver"))))
	})
	defer resumed.Stop()
	c.kubectl("", "get", "nodes")
	c.lap("an API server that was stopped for 5 s responds again", begun)
	out, err := c.tryKubectl("", "--server", "https://127.0.0.1:1", "get", "nodes")
	if failure, is := errors.AsType[*kube.Failure](kube.Explain(out, 1)); err == nil || !is || failure.Kind != kube.Unreachable {
		c.Errorf("%v: %s", err, out)
	}
}

// inside runs a command among the processes of the node.
func (c cluster) inside(argv ...string) {
	node := strings.TrimSpace(c.read(filepath.Join(c.run, "pid")))
	if out, err := exec.Command("nsenter", append([]string{"-t", node, "-p", "-m", "--"}, argv...)...).CombinedOutput(); err != nil {
		c.Errorf("%v: %v\n%s", argv, err, out)
	}
}

// killed: nothing is left of a script that was killed while its topology served.
func killed(c cluster) {
	flags := c.namespace("killed")
	before := c.objects("killed")
	text := c.read(c.plan("plan", append([]string{"demo-disagg"}, flags...)...))
	text, _, found := strings.Cut(text, "\nserved ")
	if !found {
		c.Fatal("the script does not wait until the model is served")
	}
	sooner := strings.NewReplacer("-mmin -10", "-mmin -1", "-rt 60", "-rt 2").Replace(text)
	path := filepath.Join(c.dir, "killed.sh")
	// The pod gets signs of life as long as the script runs.
	const end = `
last() { kubectl -n killed exec job/topobench-by-hand -c load -- stat -c %Y /tmp/topobench-alive; }
first=$(last)
sleep 8
[ "$(last)" -gt "$first" ] && kill -9 $$
`
	c.check(os.WriteFile(path, []byte(sooner+end), 0o600))
	if out, err := c.bash(path); err == nil || !strings.Contains(err.Error(), "signal: killed") || !strings.Contains(c.objects("killed"), "demo-disagg") {
		c.Fatalf("%v\n%s", err, out)
	}
	begun := time.Now()
	testbed.Eventually(c.T, patience, func() bool { return c.objects("killed") == before })
	c.lap("from kill -9, with a minute of grace, until nothing is left", begun)
}
