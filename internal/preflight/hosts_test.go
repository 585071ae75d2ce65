package preflight

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"topobench/internal/profile"
)

// node is another machine in this process: it answers as an agent does.
type node struct {
	Request
	lost error
}

func (n *node) Inspect(ctx context.Context, question []byte) ([]byte, error) {
	var q HostQuestion
	if err := errors.Join(n.lost, json.Unmarshal(question, &q)); err != nil {
		return nil, err
	}
	return json.Marshal(n.Answer(ctx, q))
}

// write makes a program of a machine.
func (n *node) write(t *testing.T, name, script string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(n.Temp, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
}

func (n *node) remove(t *testing.T, name string) {
	t.Helper()
	if err := os.Remove(filepath.Join(n.Temp, name)); err != nil {
		t.Fatal(err)
	}
}

// serving makes both programs of a version of ai-dynamo or vllm.
func (n *node) serving(t *testing.T, distribution, module, version string) {
	for _, name := range []string{"python3", "python-vllm"} {
		n.write(t, name, fmt.Sprintf(`echo '{"versions": {%q: %q}, "modules": [%q], "stamps": {}}'`, distribution, version, module))
	}
	script := "#!" + n.Temp + "/python-vllm\n"
	if err := os.WriteFile(filepath.Join(n.Temp, "vllm"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
}

const (
	mockers = "engine: mocker, discovery: {etcd: start, nats: start}, frontend: {port: 8000, host: node0}, " +
		"prefill: [{cuda_visible_devices: [0], host: node0}], decode: [{cuda_visible_devices: [1], host: node1}]"
	servers = "engine: vllm, balancer: {port: 8000, host: node0}, aggregated: [" +
		"{cuda_visible_devices: [0, 1], tensor_parallel: 2, port: 8101, host: node0}, " +
		"{cuda_visible_devices: [2, 3], tensor_parallel: 2, port: 8102, host: node1}]"
)

// cluster is a request for a profile over two machines, each with the programs of its part: this machine has aiperf
// only.
func cluster(t *testing.T, topology string) (Request, map[string]*node) {
	t.Helper()
	p, err := profile.Reader{}.Parse("two.yaml", []byte("{name: two, kind: k, model: m, hosts: {"+
		"node0: {transport: ssh, address: 10.0.0.5}, node1: {transport: ssh, address: 10.0.0.6}}, "+topology+"}"))
	if err != nil {
		t.Fatal(err)
	}
	r, nodes := request(t), map[string]*node{}
	p.Model, r.Profiles, r.Hosts = t.TempDir(), nil, map[string]Inspector{}
	r.Profiles = []profile.Profile{p}
	here := node{Request: r}
	here.remove(t, "python3")
	for _, name := range []string{"node0", "node1"} {
		n := &node{Request: request(t)}
		n.remove(t, "aiperf")
		n.serving(t, "ai-dynamo", "dynamo", "1.6.1")
		if p.Engine == "vllm" {
			n.serving(t, "vllm", "vllm", "0.31.0")
		}
		nodes[name], r.Hosts[name] = n, n
	}
	for name, prints := range map[string]string{"etcd": "etcd Version: 3.4.23", "nats-server": "nats-server: v2.9.10",
		"nginx": "nginx version: nginx/1.22.1"} {
		nodes["node0"].write(t, name, "echo "+prints)
	}
	return r, nodes
}

func TestTheProgramsOfAPartAreOnItsHost(t *testing.T) {
	for _, topology := range []string{mockers, servers} {
		r, _ := cluster(t, topology)
		report := All(t.Context(), r)
		if err := report.Err(); err != nil {
			t.Errorf("%v", err)
		}
		for _, s := range report.Topologies[0].Plan.Services {
			if at := r.Hosts[s.Host].(*node).Temp; !strings.HasPrefix(s.Argv[0], at) {
				t.Errorf("%s on %s runs %s, want a program below %s", s.Name, s.Host, s.Argv[0], at)
			}
		}
		if at := report.Topologies[0].Programs; at.AIPerf == "" || at.Python+at.VLLM != "" {
			t.Errorf("this machine runs aiperf only: %+v", at)
		}
	}
}

// Every fault of every machine is reported, at once, with its name.
func TestFaultsOfHosts(t *testing.T) {
	for _, row := range []struct {
		why, topology string
		spoil         func(*Request, map[string]*node)
		want          []string
	}{
		{"a program is missing on one", mockers, func(_ *Request, n map[string]*node) { n["node1"].remove(t, "python3") },
			[]string{"node1: cannot find python"}},
		{"faults of two at once", mockers, func(_ *Request, n map[string]*node) {
			n["node0"].remove(t, "etcd")
			n["node1"].remove(t, "python3")
		}, []string{"node0: cannot find etcd", "node1: cannot find python"}},
		{"an interpreter that lacks the package", mockers, func(_ *Request, n map[string]*node) {
			n["node1"].serving(t, "x", "x", "1")
		}, []string{"node1: cannot run two: "}},
		{"the model is missing on one", mockers, func(r *Request, n map[string]*node) {
			r.Profiles[0].Model = "a/b"
			for _, name := range []string{"node0", "node1"} {
				n[name].Environ = append(n[name].Environ, "HF_HUB_OFFLINE=1")
				old := n[name].Getenv
				n[name].Getenv = func(name string) string { return map[string]string{"HF_HUB_OFFLINE": "1"}[name] + old(name) }
			}
			snapshot := filepath.Join(n["node0"].Temp, ".cache/huggingface/hub/models--a--b/snapshots/x")
			if err := errors.Join(os.MkdirAll(snapshot, 0o755), os.WriteFile(filepath.Join(snapshot, "config.json"), nil, 0o644)); err != nil {
				t.Fatal(err)
			}
		}, []string{"node1: two.yaml: model a/b is not in the Hugging Face cache"}},
		{"GPUs outside of the allocation there", servers, func(_ *Request, n map[string]*node) {
			n["node1"].Environ = append(n["node1"].Environ, "CUDA_VISIBLE_DEVICES=0,1")
			n["node1"].write(t, "nvidia-smi", fourGPUs)
		}, []string{"node1: cannot run two on GPU 2, 3: the allocation is GPU 0, 1"}},
		{"a variable that the host lacks", mockers, func(r *Request, n map[string]*node) {
			r.Profiles[0].Env = map[string]string{"X": "${ENV:TOKEN_OF_MINE}"}
			r.Environ, n["node0"].Environ = append(r.Environ, "TOKEN_OF_MINE=1"), append(n["node0"].Environ, "TOKEN_OF_MINE=1")
		}, []string{"node1: two: its env names variables that are not set"}},
		{"a lost connection", mockers, func(_ *Request, n map[string]*node) { n["node1"].lost = errors.New("broken pipe") },
			[]string{"node1: cannot check this host: broken pipe"}},
	} {
		r, nodes := cluster(t, row.topology)
		row.spoil(&r, nodes)
		report := All(t.Context(), r)
		var got []string
		for _, c := range report.Checks {
			if c.State == Failure {
				got = append(got, c.Found)
			}
		}
		begins := func(found, want string) bool { return strings.HasPrefix(found, want) }
		if !slices.EqualFunc(got, row.want, begins) {
			t.Errorf("%s: %q\nwant %q", row.why, got, row.want)
		}
	}
}

// fourGPUs is nvidia-smi on a machine of four.
const fourGPUs = `case $* in *index,uuid*) for i in 0 1 2 3; do
echo $i, GPU-$i, 0000000$i:01:00.0, NVIDIA X, 4, 100, Disabled, Default, Enabled, 0, 0x0; done;; esac`

func TestUnlikeVersionsOfHostsAreNamed(t *testing.T) {
	r, nodes := cluster(t, mockers)
	nodes["node1"].serving(t, "ai-dynamo", "dynamo", "1.0.2")
	report := All(t.Context(), r)
	found := func(c Check) bool { return c.Found == "two: Dynamo is 1.0.2 on node1 and 1.6.1 on node0" }
	if !slices.ContainsFunc(report.Warnings(), found) || report.Err() != nil {
		t.Errorf("%v\n%v", report.Warnings(), report.Err())
	}
}

func TestGPUsOfHostsAreMapped(t *testing.T) {
	r, nodes := cluster(t, servers)
	r.MapGPUs = true
	nodes["node0"].Environ = append(nodes["node0"].Environ, "CUDA_VISIBLE_DEVICES=3,1")
	nodes["node1"].Environ = append(nodes["node1"].Environ, "CUDA_VISIBLE_DEVICES=1,2")
	for _, n := range nodes {
		n.write(t, "nvidia-smi", fourGPUs)
	}
	report := All(t.Context(), r)
	if err := report.Err(); err != nil {
		t.Fatal(err)
	}
	topology := report.Topologies[0]
	got := fmt.Sprint(topology.Profile.Aggregated[0].Devices, topology.Profile.Aggregated[1].Devices, r.Profiles[0].Aggregated[0].Devices)
	if got != "[3 1] [1 2] [0 1]" {
		t.Errorf("devices %s", got)
	}
	for _, want := range []string{"node0: two: GPU 0 of the profile is GPU 3", "node1: two: GPU 3 of the profile is GPU 2"} {
		if !strings.Contains(strings.Join(topology.GPUMap, "\n"), want) {
			t.Errorf("no %q in %q", want, topology.GPUMap)
		}
	}
}

// The doctor shows the programs, the GPUs and the limits of each machine.
func TestDoctorOfHosts(t *testing.T) {
	r, nodes := cluster(t, servers)
	nodes["node1"].write(t, "nvidia-smi", fourGPUs)
	report := Doctor(t.Context(), r)
	if err := report.Err(); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		Programs: "node0: vllm is " + nodes["node0"].Temp + "/vllm (PATH): vLLM 0.31.0", GPUs: "node1: GPU 3 (GPU-3): NVIDIA X",
		Governor: "node0: ", Directories: "node1: temporary files of a run are in " + nodes["node1"].Temp, OpenFiles: "node0: a process may open",
	} {
		if !slices.ContainsFunc(report.Checks, func(c Check) bool { return c.Name == name && strings.HasPrefix(c.Found, want) }) {
			t.Errorf("no check %s: %s in %v", name, want, report.Checks)
		}
	}
}

// A model is fetched by the machine that lacks it, with the Python of its engine.
func TestAHostFetchesTheModelThatItLacks(t *testing.T) {
	r, nodes := cluster(t, mockers)
	r.Profiles[0].Model = "a/b"
	snapshot := filepath.Join(nodes["node0"].Temp, ".cache/huggingface/hub/models--a--b/snapshots/x")
	if err := errors.Join(os.MkdirAll(snapshot, 0o755), os.WriteFile(filepath.Join(snapshot, "config.json"), nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	for _, n := range nodes {
		n.write(t, "python3", `case "$*" in *" look") ;; *" a/b "*) echo >`+n.Temp+`/fetched;; esac
echo '{"versions": {"ai-dynamo": "1.6.1"}, "modules": ["dynamo"], "stamps": {}}'`)
	}
	report := All(t.Context(), r)
	if err := report.Err(); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"node0": false, "node1": true} {
		part := report.Topologies[0].Parts[name]
		err := nodes[name].Fetch(t.Context(), Fetch{Part: part, Log: filepath.Join(t.TempDir(), "fetch.log")})
		_, missing := os.Stat(filepath.Join(nodes[name].Temp, "fetched"))
		if part.Fetch != want || err != nil || (missing == nil) != want {
			t.Errorf("%s: to be fetched %v, want %v; fetched: %v, %v", name, part.Fetch, want, missing == nil, err)
		}
	}
}
