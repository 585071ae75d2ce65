//go:build real

package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"topobench/internal/programs"
)

// installed is the directory of an older version in the tool cache. Without it the
// test is skipped; in CI it fails.
func (f fixture) installed(name string) string {
	f.Helper()
	dir := filepath.Join(programs.CacheDir(nil), name)
	_, err := os.Stat(filepath.Join(dir, ".complete"))
	switch {
	case err == nil:
	case os.Getenv("CI") == "true":
		f.Fatalf("run make tools: %v", err)
	default:
		f.Skipf("run make tools: %v", err)
	}
	return dir
}

const (
	noDiscovery = "discovery: {etcd: none, nats: none}"
	workers     = "prefill: [{cuda_visible_devices: [0]}]\ndecode: [{cuda_visible_devices: [1]}]"
	aggregated  = "aggregated: [{cuda_visible_devices: [0]}, {cuda_visible_devices: [1]}]"
)

// TestLongOlderDynamo runs one cell on each older Dynamo with the discovery it
// knows. Nothing but the interpreter says which version it is.
func TestLongOlderDynamo(t *testing.T) {
	for _, row := range []struct {
		version, says string
		profiles      func(f fixture, python string) []string
		labels        []string
	}{
		{"0.5.1", "versions: Dynamo 0.5.1, aiperf 0.13.0, etcd 3.*, NATS 2.*", func(f fixture, python string) []string {
			// One worker: two that start at once upload the model at once, of which one may fail.
			const one = "aggregated: [{cuda_visible_devices: [0]}]"
			return []string{f.disagg("agg", noDiscovery, "discovery: {etcd: start, nats: start}"+python, workers, one)}
		}, []string{"agg_aggregated,1.0"}},
		{"1.0.2", "versions: Dynamo 1.0.2, aiperf 0.13.0, NATS 2.*", func(f fixture, python string) []string {
			const nats, byPath = "discovery: {etcd: none, nats: start}", "model: ${CACHE}/models/tiny\n"
			return []string{f.disagg("agg", noDiscovery, nats+python, workers, aggregated, byPath+"served_name: tiny\n", byPath),
				f.disagg("split", noDiscovery, nats+python, byPath+"served_name: tiny\n", byPath)}
		}, []string{"agg_aggregated,1.0", "split_disaggregated,1.0"}},
	} {
		t.Run(row.version, func(t *testing.T) {
			f := newFixture(t)
			python := fmt.Sprintf("\npython: %q", filepath.Join(f.installed("dynamo-"+row.version), "bin", "python"))
			r := f.start("run", append([]string{"run"}, row.profiles(f, python)...)...)
			r.ends(0)
			r.clean()
			r.checkUpstream(row.labels...)
			r.checkSaid(row.says)
		})
	}
}

// TestLongOlderAIPerf measures today's Dynamo with aiperf 0.9 and with that of the
// guide's time, which writes no file of single requests.
func TestLongOlderAIPerf(t *testing.T) {
	f := newFixture(t)
	var profiles []string
	for _, version := range []string{"0.9.0", "0.1.1"} {
		aiperf := fmt.Sprintf("aiperf: %q\nload:", filepath.Join(f.installed("aiperf-"+version), "bin", "aiperf"))
		profiles = append(profiles, f.disagg("a"+strings.ReplaceAll(version, ".", ""), "load:", aiperf))
	}
	r := f.start("run", append([]string{"run"}, profiles...)...)
	r.ends(0)
	r.clean()
	for i, label := range []string{"a090", "a011"} { // plot_pareto.py cannot read 0.1.1's export: its metrics lie under "records"
		r.checkArtifacts(fmt.Sprintf("artifacts_%d", i), []string{"-concurrency1"}, fmt.Sprintf(`{"kind":%q,"model":"tiny",`, label))
	}
	r.checkSaid("versions: Dynamo 1.6.1, aiperf 0.9.0 and 0.1.1")
}

// checkSaid looks for one line of what a person saw, the clock before it apart.
func (r *running) checkSaid(pattern string) {
	r.Helper()
	if !regexp.MustCompile(`(?m)^\[\+[\d.]+s\] ` + pattern + `$`).MatchString(r.output()) {
		r.Errorf("no line %q in\n%s", pattern, r.output())
	}
}
