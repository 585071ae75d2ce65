package profile

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// devices are the GPUs of each worker, by name.
func devices(p Profile) string {
	var all []string
	for _, w := range p.workers() {
		all = append(all, fmt.Sprint(w.name, w.Devices))
	}
	return strings.Join(all, " ")
}

func TestTheShortFormDerivesTheDevicesInOrder(t *testing.T) {
	for _, c := range []struct{ why, text, want string }{
		{"of the guide's topology", "prefill: {workers: 4, tensor_parallel: 1}\ndecode: {workers: 1, tensor_parallel: 4}\n",
			"prefill-0[0] prefill-1[1] prefill-2[2] prefill-3[3] decode-0[4 5 6 7]"},
		{"whichever role comes first in the file", "decode: {tensor_parallel: 2}\nprefill: {workers: 2}\n", "prefill-0[0] prefill-1[1] decode-0[2 3]"},
		{"all parallelisms", "aggregated: {workers: 2, tensor_parallel: 2, pipeline_parallel: 2, data_parallel: 2}\n",
			"aggregated-0[0 1 2 3 4 5 6 7] aggregated-1[8 9 10 11 12 13 14 15]"},
		{"around the GPUs that others name", "prefill: {workers: 3}\ndecode: [{cuda_visible_devices: [1, 3], tensor_parallel: 2}]\n",
			"prefill-0[0] prefill-1[2] prefill-2[4] decode-0[1 3]"},
		{"each machine has its own", "hosts: {n: {transport: ssh, address: n}}\nprefill: {workers: 2, host: n}\ndecode: {workers: 2}\n",
			"prefill-0[0] prefill-1[1] decode-0[0] decode-1[1]"},
		{"from an anchor", "x: &w {workers: 2}\nprefill: *w\ndecode: {<<: *w, tensor_parallel: 2}\n",
			"prefill-0[0] prefill-1[1] decode-0[2 3] decode-1[4 5]"},
	} {
		if got := devices(mustParse(t, head("dynamo")+c.text)); got != c.want {
			t.Errorf("%s: %s, want %s", c.why, got, c.want)
		}
	}
}

func TestTheShortFormIsTheListWrittenShorter(t *testing.T) {
	short := mustParse(t, head("vllm")+"balancer: {}\naggregated: {workers: 2, tensor_parallel: 2, port: 8001, engine_args: [--a], env: {B: c}}\n")
	long := mustParse(t, head("vllm")+"balancer: {}\naggregated:\n"+
		"  - {cuda_visible_devices: [0, 1], tensor_parallel: 2, port: 8001, engine_args: [--a], env: {B: c}}\n"+
		"  - {cuda_visible_devices: [2, 3], tensor_parallel: 2, port: 8002, engine_args: [--a], env: {B: c}}\n")
	long.Text, short.Text = "", ""
	if diff := cmp.Diff(long, short); diff != "" {
		t.Error(diff)
	}
}

func TestFaultsOfTheShortForm(t *testing.T) {
	pair := func(prefill string) string {
		return head("dynamo") + "prefill: " + prefill + "\ndecode: {workers: 1}\n"
	}
	checkRows(t, []row{
		{"devices of its own", pair("{workers: 2, cuda_visible_devices: [0, 1]}"), "5:23", words("derives cuda_visible_devices", "make prefill a list")},
		{"bad devices of its own", pair("{cuda_visible_devices: [zero]}"), "5:11 5:34", words("derives cuda_visible_devices")},
		{"a count in a list", head("dynamo") + "prefill: [{workers: 2, cuda_visible_devices: [0]}]\ndecode: {workers: 1}\n", "5:12",
			words("prefill: {workers: 2}", "an item for each worker")},
		{"no worker", pair("{workers: 0}"), "5:20", words("prefill-0: workers must be a plain integer (1..1024)")},
		{"more GPUs than a machine can have", pair("{workers: 1024, tensor_parallel: 1024, data_parallel: 1024}"), "5:10",
			words("prefill needs 1073741824 GPUs, and a machine has up to 1024")},
		{"one fault of four workers is one fault", pair("{workers: 4, host: n7, engine_args: [-tp], env: {A-B: c}}"), "5:29 5:47 5:59",
			words(`prefill-0: host "n7" is not defined`)},
		{"a bad key hides no other", pair("{workers: 4, tensor_parallel: two, host: n7}"), "5:40 5:51", words("tensor_parallel must be")},
		{"ports that run into another's", strings.Replace(head("vllm"), "m\n", "m\nbalancer: {port: 8002}\n", 1) + "aggregated: {workers: 3, port: 8001}\n",
			"6:32", words("aggregated-1 and balancer (line 4) both have port 8002")},
		{"a port beyond the range", head("vllm") + "balancer: {}\naggregated: {workers: 3, port: 32766}\n", "6:32", words("3 workers from port 32766 on", "32767")},
	})
}

func TestShortFormBesideUUIDsIsRefused(t *testing.T) {
	text := head("dynamo") + "prefill: {workers: 2}\ndecode: [{cuda_visible_devices: [GPU-5c]}]\n"
	if _, err := (Reader{}).Parse("p.yaml", []byte(text)); err == nil || !strings.Contains(err.Error(), "names UUIDs") {
		t.Error(err)
	}
}
