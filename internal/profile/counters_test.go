package profile

import (
	"strings"
	"testing"
)

// Two workers with one directory of counters would each report the requests of both.
func TestWorkersShareNoCounters(t *testing.T) {
	workers := func(a, b string) string {
		return "name: a\nkind: b\nengine: vllm\nmodel: m\nbalancer: {port: 8000}\naggregated:\n" +
			"  - {cuda_visible_devices: [0], port: 8001, env: {" + a + "}}\n  - {cuda_visible_devices: [1], port: 8002, env: {" + b + "}}\n"
	}
	for _, row := range []struct{ why, text, want string }{
		{"none", workers("", ""), ""},
		{"one each", workers("PROMETHEUS_MULTIPROC_DIR: /a", "PROMETHEUS_MULTIPROC_DIR: /b"), ""},
		{"one of a single worker", valid + "env: {PROMETHEUS_MULTIPROC_DIR: /a}\n", ""},
		{"the profile's", workers("", "") + "env: {PROMETHEUS_MULTIPROC_DIR: /a}\n",
			"p.yaml:9:7: aggregated-1 and aggregated-0 would share their counters in PROMETHEUS_MULTIPROC_DIR: remove it"},
		{"by its older name", workers("", "") + "env: {prometheus_multiproc_dir: /a}\n", "p.yaml:9:7: aggregated-1 and aggregated-0 would share"},
		{"the same in both", workers("PROMETHEUS_MULTIPROC_DIR: /a", "PROMETHEUS_MULTIPROC_DIR: /a"),
			"p.yaml:8:51: aggregated-1 and aggregated-0 would share"},
		{"the profile's, and a worker's own", workers("", "PROMETHEUS_MULTIPROC_DIR: /b") + "env: {PROMETHEUS_MULTIPROC_DIR: /a}\n", ""},
	} {
		_, err := set(row.text)
		if row.want == "" && err != nil || row.want != "" && (err == nil || !strings.HasPrefix(err.Error(), row.want) || strings.Contains(err.Error(), "\n")) {
			t.Errorf("%s: got %v\nwant %s", row.why, err, row.want)
		}
	}
}
