package monitor

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"topobench/internal/artifacts"
	"topobench/internal/host"
	"topobench/internal/host/gpu"
	"topobench/internal/plan"
	"topobench/internal/testbed"
)

func number(v float64) *float64 { return &v }

func TestGaugesOfAWorker(t *testing.T) {
	for _, row := range []struct {
		why, page string
		want      artifacts.EngineSample
	}{
		{"vLLM with two engines", "# HELP vllm:num_requests_running x\n" +
			"vllm:num_requests_running{engine=\"0\",model_name=\"m\"} 3.0\nvllm:num_requests_running{engine=\"1\"} 2\n" +
			"vllm:num_requests_waiting{engine=\"0\"} 0.0\nvllm:kv_cache_usage_perc{engine=\"0\"} 0.25\n" +
			"vllm:kv_cache_usage_perc{engine=\"1\"} 0.75\nvllm:num_preemptions_total{engine=\"0\"} 7\n" +
			"vllm:num_requests_waiting_by_reason{reason=\"x\"} 9\n",
			artifacts.EngineSample{Running: number(5), Waiting: number(0), KVUsage: number(0.75), Preemptions: number(7)}},
		{"an older vLLM", "vllm:gpu_cache_usage_perc 0.5\n", artifacts.EngineSample{KVUsage: number(0.5)}},
		{"a mocker of Dynamo", "dynamo_component_inflight_requests{dynamo_endpoint=\"generate\"} 4\n" +
			"dynamo_component_inflight_requests{dynamo_endpoint=\"worker_kv_query_source\"} 9\n", artifacts.EngineSample{InFlight: number(4)}},
		{"no value is no zero", "vllm:num_requests_running NaN\nvllm:num_requests_waiting\nvllm:\n", artifacts.EngineSample{}},
	} {
		row.want.Service = "a"
		got, some := gauges("a", row.page)
		if diff := cmp.Diff(row.want, got); diff != "" || some == (got == artifacts.EngineSample{Service: "a"}) {
			t.Errorf("%s: %t, want (-), got (+):\n%s", row.why, some, diff)
		}
	}
}

// A round over the devices is one sample; rounds before and after the cell are none of its own.
func TestRoundsOfACell(t *testing.T) {
	began := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	at := func(seconds float64, index int) gpu.Reading {
		return gpu.Reading{At: began.Add(time.Duration(seconds * float64(time.Second))), Index: index}
	}
	got := gpuRows("", []gpu.Reading{at(-0.5, 0), at(-0.5, 2), at(0.5, 0), at(0.501, 2), at(1.5, 0), at(1.501, 2), at(2.5, 0)}, began, 2)
	want := []artifacts.Sample{{T: 0.5, GPUs: []artifacts.GPUSample{{Index: 0}, {Index: 2}}},
		{T: 1.5, GPUs: []artifacts.GPUSample{{Index: 0}, {Index: 2}}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A cell has the samples of its own time: what stood in the log before it is skipped.
func TestSamplesOfTheCellOnly(t *testing.T) {
	h := &testbed.Scripted{Pages: map[string]host.Page{"u": {Code: http.StatusOK, Text: []byte("vllm:num_requests_running 3\n")}}}
	row := func(at time.Time) string {
		return at.UTC().Format("2006/01/02 15:04:05.000") + ", 0, 97, 4, 512.3, 1980, 2619, 0x0\n"
	}
	put := func(text string) {
		if err := h.Put(t.Context(), host.File{Path: "/log", Data: []byte(text)}); err != nil {
			t.Fatal(err)
		}
	}
	old := row(time.Now().Add(time.Hour)) // a step of the clock: only its place in the file shows its age
	put(old)
	p := plan.Plan{Smoke: plan.Smoke{Counters: []plan.Counter{{Service: "a", URL: "u"}}}}
	m := New(Targets{Plan: p, Host: h, GPULogs: map[string]GPULog{"": {Path: "/log"}}})
	s := m.newSampler(t.Context())
	s.began = s.began.Add(-time.Minute).Truncate(time.Millisecond) // as nvidia-smi prints it
	s.probe(t.Context())
	put(old + row(s.began.Add(time.Second)) + row(s.began.Add(2*time.Second)))
	got := s.end(t.Context())
	if len(got) != 3 || got[0].T != 1 || *got[0].GPUs[0].Watts != 512.3 || len(got[2].Engines) != 1 || *got[2].Engines[0].Running != 3 {
		t.Errorf("got %+v", got)
	}
	if m.gpuLogRead[""] != int64(len(old)+2*len(row(time.Now()))) {
		t.Errorf("the next cell begins at byte %d", m.gpuLogRead[""])
	}
}

// Each host has its GPUs and its own clock; a host that does not answer hides no other.
func TestSamplesOfHosts(t *testing.T) {
	b := newTwoHosts()
	m := b.monitor()
	m.t.GPULogs = map[string]GPULog{"node0": {Path: "/a"}, "node1": {Path: "/b", Offset: time.Hour}}
	s := m.newSampler(t.Context())
	s.began = s.began.Add(-time.Minute).Truncate(time.Millisecond)
	put := func(on *testbed.Scripted, path string, after time.Duration, watts string) {
		at := s.began.Add(after).UTC().Format("2006/01/02 15:04:05.000")
		if err := on.Put(t.Context(), host.File{Path: path, Data: []byte(at + ", 0, 97, 4, " + watts + ", 1980, 2619, 0x0\n")}); err != nil {
			t.Fatal(err)
		}
	}
	put(b.node0, "/a", 2*time.Second, "300.5")
	put(b.node1, "/b", time.Hour+time.Second, "400.5") // its clock is ahead
	type row struct {
		T     float64
		Host  string
		Watts float64
	}
	read := func() (all []row) {
		for _, sample := range s.end(t.Context()) {
			for _, g := range sample.GPUs {
				all = append(all, row{sample.T, g.Host, *g.Watts})
			}
		}
		return all
	}
	if diff := cmp.Diff([]row{{1, "node1", 400.5}, {2, "node0", 300.5}}, read()); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}
	m.gpuLogRead = map[string]int64{}
	m.t.GPULogs["node1"] = GPULog{Path: "/gone"}
	if diff := cmp.Diff([]row{{2, "node0", 300.5}}, read()); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}
}

// page is as long as that of a vLLM worker.
func page() string {
	var b strings.Builder
	for i := range 900 {
		fmt.Fprintf(&b, "vllm:request_time_seconds_bucket{engine=\"0\",le=\"%d\",model_name=\"Qwen/Qwen3-0.6B\"} %d.0\n", i, i)
	}
	return b.String() + "vllm:num_requests_running{engine=\"0\"} 3.0\n"
}

// used is the CPU time of this process.
func used(t testing.TB) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// At 1 Hz, sampling may take one hundredth of a core: 10 ms of CPU for each second of eight GPUs and eight workers. The
// CPU time of the HTTP server is in the figure as well.
func BenchmarkSampling(b *testing.B) {
	for b.Loop() {
		b.ReportMetric(100*sampleAMinute(b).Seconds(), "%-of-a-core")
	}
}

func TestAMinuteOfSamples(t *testing.T) { sampleAMinute(t) }

// sampleAMinute samples 60 times, and returns the CPU time of one second's sample.
func sampleAMinute(t testing.TB) time.Duration {
	text := page()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) }))
	defer server.Close()
	var counters []plan.Counter
	for i := range 8 {
		counters = append(counters, plan.Counter{Service: fmt.Sprint("decode-", i), URL: fmt.Sprint(server.URL, "/", i)})
	}
	log := filepath.Join(t.TempDir(), "log")
	const seconds = 60
	var lines strings.Builder
	m := New(Targets{Plan: plan.Plan{Smoke: plan.Smoke{Counters: counters}}, GPULogs: map[string]GPULog{"": {Path: log}},
		Host: host.Local{Client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}}}})
	s := m.newSampler(t.Context())
	s.began = s.began.Add(-time.Hour)
	for i := range seconds {
		for index := range 8 {
			at := s.began.Add(time.Duration(i+1) * time.Second).UTC().Format("2006/01/02 15:04:05.000")
			fmt.Fprintf(&lines, "%s, %d, 97, 81000, 512.30, 1980, 2619, 0x0000000000000004\n", at, index)
		}
	}
	if err := os.WriteFile(log, []byte(lines.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	s.probe(t.Context()) // opens the connections
	before := used(t)
	for range seconds {
		s.probe(t.Context())
	}
	all := s.end(t.Context())
	if err := artifacts.WriteSamples(filepath.Join(t.TempDir(), "samples"), all); err != nil {
		t.Fatal(err)
	}
	each := (used(t) - before) / seconds
	if len(all) != 2*seconds+1 {
		t.Errorf("%d samples of %d seconds", len(all), seconds)
	}
	return each
}
