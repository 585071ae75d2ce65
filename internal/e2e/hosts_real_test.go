//go:build hosts

package e2e_test

import (
	"strings"
	"testing"
	"time"

	"topobench/internal/programs"
)

// realHosts measures both demo topologies over two nodes with the real programs, by ssh and under Slurm.
func realHosts(t *testing.T, binary string) {
	found := realPrograms(t)
	for name, words := range map[string][]string{"SSH": nil, "Slurm": {"salloc", "-Q", "-N2"}} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, binary, realPath)
			argv := append(words, "topobench", "run", "demo-disagg-2node", "demo-agg-2node", "--isl", "100", "--osl", "40",
				"--concurrency", "1")
			if name == "Slurm" {
				l.slurm()
			} else {
				argv = append(argv, "--hosts", onNodes)
			}
			r := l.start("run", argv...)
			r.ends(0)
			r.audit(2 * time.Second)
			r.checkHosts(found)
		})
	}
}

// checkHosts checks the artifacts of both topologies, with the chart.
func (r *launched) checkHosts(found map[programs.Tool]programs.Found) {
	r.Helper()
	r.programs = found
	r.checkState()
	cells := []string{"-concurrency1"}
	r.checkArtifacts("artifacts_0", cells, `{"kind":"dynamo_mocker_2node","model":"tiny","input_sequence_length":100,"output_sequence_length":40,`)
	r.checkArtifacts("artifacts_1", cells, `{"kind":"vllm_mocker_2node","model":"tiny","input_sequence_length":100,"output_sequence_length":40,`)
	r.checkPictures()
	r.checkUpstream("dynamo_mocker_2node_disaggregated,1.0", "vllm_mocker_2node_aggregated,1.0")
	for _, name := range []string{"artifacts_0", "artifacts_1"} {
		config := r.read(r.root + "/" + name + "/deployment_config.json")
		for _, host := range []string{"node0", "node1"} {
			if !strings.Contains(config, `"`+host+`"`) {
				r.Errorf("%s does not name %s: %s", name, host, config)
			}
		}
	}
}
