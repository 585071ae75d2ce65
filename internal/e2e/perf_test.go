package e2e_test

import (
	"fmt"
	"syscall"
	"testing"
)

// TestRealPerf measures a topology that another topobench holds, as perf.sh does.
func TestRealPerf(t *testing.T) {
	f := newFixture(t)
	up := f.start("up", "up", f.builtIn("demo-disagg", "18000", "@10"))
	up.awaitUp(f.ports + 10)
	r := f.start("perf", "perf", "--url", fmt.Sprintf("http://127.0.0.1:%d", f.ports+10), "--mode", "disaggregated",
		"--prefill-tp", "1", "--prefill-dp", "4", "--decode-tp", "4", "--decode-dp", "1", "--model", "tiny", "--tokenizer", tiny(),
		"--concurrency", "1", "--isl", "64", "--osl", "40", "--deployment-kind", "dynamo_mocker")
	r.ends(0)
	if left := r.left(); len(left) > 0 {
		t.Errorf("perf left behind: %v", left)
	}
	r.checkState()
	r.checkArtifacts("artifacts_0", []string{"-concurrency1"}, `{"kind":"dynamo_mocker","model":"tiny",`+
		`"input_sequence_length":64,"output_sequence_length":40,"tensor_parallelism":0,"data_parallelism":0,`+
		`"prefill_tensor_parallelism":1,"prefill_data_parallelism":4,"decode_tensor_parallelism":4,"decode_data_parallelism":1,"mode":"disaggregated"}`)
	r.checkUpstream("dynamo_mocker_disaggregated,1.0")

	up.signal(syscall.SIGINT)
	up.ends(130)
	up.clean()
}
