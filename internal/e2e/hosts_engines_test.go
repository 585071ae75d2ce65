//go:build engines

package e2e_test

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"topobench/internal/artifacts"
	"topobench/profiles"
)

// Real prefill on one host and real decode on another one: NIXL transfers the KV cache over the network between them.
// Decode is one process: the threads of each spin, and two cores are all that some machines have.
func TestEnginesOverTwoHosts(t *testing.T) {
	needsMachines(t)
	found := enginesFixture(t).programs
	text, err := profiles.Read("cpu-disagg")
	if err != nil {
		t.Fatal(err)
	}
	l := newLab(t, plainBuild(t), realPath)
	profile := string(text)
	for old, new := range map[string]string{
		"engine: dynamo\n":                                   "engine: dynamo\nhosts: {node0: {}, node1: {}}\n",
		"{etcd: none, nats: none}":                           "{etcd: start, nats: start}",
		"frontend: {port: 18210}":                            "frontend: {port: 18210, host: node0}",
		"{cuda_visible_devices: [0]}":                        "{cuda_visible_devices: [0], host: node1}",
		"{cuda_visible_devices: [1, 2], tensor_parallel: 2}": "{cuda_visible_devices: [1], host: node0}",
		"UCX_NET_DEVICES: lo":                                "UCX_NET_DEVICES: eth0",
	} {
		if !strings.Contains(profile, old) {
			t.Fatalf("cpu-disagg has no %q", old)
		}
		profile = strings.Replace(profile, old, new, 1)
	}
	l.login.write("/opt/profiles/cpu-disagg.yaml", profile, 0o644)
	r := l.start("run", "topobench", "run", "/opt/profiles/cpu-disagg.yaml", "--concurrency", "1", "--osl", "40",
		"--hosts", "node0=198.51.100.10,node1=198.51.100.11")
	r.longer = 12 * time.Minute
	r.programs = found
	r.ends(0)
	r.audit(2 * time.Second)
	r.checkArtifacts("artifacts_0", []string{"-concurrency1"}, `{"kind":"dynamo_cpu","model":"tiny","input_sequence_length":100,`)
	r.checkUpstream("dynamo_cpu_disaggregated,1.0")
	sidecar := r.read(filepath.Join(r.root, "artifacts_0", "-concurrency1", artifacts.SidecarName))
	if !regexp.MustCompile(`[1-9]\d* KV caches went from prefill to decode workers`).MatchString(sidecar) {
		t.Errorf("no KV cache went from host to host: %s", sidecar)
	}
}
