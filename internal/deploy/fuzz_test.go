package deploy

import (
	"math"
	"strings"
	"testing"
)

func FuzzCount(f *testing.F) {
	f.Add(file(f, "prefill-metrics.txt"), "dynamo_component_requests_total")
	f.Add("m{a=\"}\"} 5 1\nm 1e400\nm NaN\nm{ 3\n", "m")
	f.Add("", "")
	f.Fuzz(func(t *testing.T, text, metric string) {
		one := Count(text, metric)
		if metric == "" || strings.Contains(metric, "\n") {
			return
		}
		// A counter of another name changes nothing.
		if other := Count(text+"\n"+metric+"_other 7\n", metric); other != one && !math.IsNaN(one) {
			t.Errorf("%g with a foreign line, %g without", other, one)
		}
	})
}

func FuzzParseInstances(f *testing.F) {
	for _, name := range []string{"0-no-workers", "2-1p1d", "3-2p1d"} {
		f.Add([]byte(recorded(f, name, "health.txt").body), "bench")
	}
	f.Add([]byte(`{"instances":[{"endpoint":"generate","instance_id":1.5},null]}`), "")
	f.Fuzz(func(t *testing.T, body []byte, namespace string) {
		seen, err := parseInstances(body, namespace)
		if err != nil && seen != (counts{}) {
			t.Errorf("%+v beside %v", seen, err)
		}
		// An instance is an object: there are at most as many as braces.
		if n := strings.Count(string(body), "{"); seen.prefill+seen.serving > n || seen.prefill < 0 || seen.serving < 0 {
			t.Errorf("%+v of %d objects", seen, n)
		}
	})
}

func FuzzParseReady(f *testing.F) {
	for _, name := range []string{"0-no-workers", "1-one-prefill", "3-2p1d"} {
		f.Add([]byte(recorded(f, name, "ready.txt").body), "bench")
	}
	f.Add([]byte(`{"ready":true,"namespaces":{"":{"worker_types":{"prefill":{"workers":-1}}}}}`), "")
	f.Fuzz(func(t *testing.T, body []byte, namespace string) {
		seen, _, ready, err := parseReady(body, namespace)
		if err != nil && (ready || seen != (counts{})) {
			t.Errorf("%+v, %t beside %v", seen, ready, err)
		}
	})
}
