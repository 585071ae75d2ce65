package aiperf

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"topobench/internal/slo"
)

func targets(t *testing.T, text string) slo.Targets {
	t.Helper()
	all, faults := slo.Parse(text)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	return all
}

// served is a record of one second after start, in ms; 0 is a latency that it does not have.
func served(phase string, start int, ttft, itl, e2e float64, failed bool) string {
	fault := ""
	if failed {
		fault = `,"error":{"code":500,"type":"x","message":"y"}`
	}
	return fmt.Sprintf(`{"metadata":{"benchmark_phase":%q,"request_start_ns":%d,"request_end_ns":%d},"metrics":{`+
		`"time_to_first_token":{"value":%g},"inter_token_latency":{"value":%g},"request_latency":{"value":%g}}%s}`,
		phase, int64(start)*1e6, int64(start+1000)*1e6, ttft, itl, e2e, fault)
}

func recordsFile(t *testing.T, lines ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), RecordsName)
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Seven requests in 4 s.
func requests(t *testing.T) string {
	return recordsFile(t,
		served("warmup", 0, 10, 10, 10, false),
		served("profiling", 1000, 100, 20, 500, false),
		served("profiling", 1000, 500, 25, 900, false), // at both limits
		served("profiling", 2000, 501, 20, 900, false),
		served("profiling", 2000, 100, 26, 900, false),
		served("profiling", 3000, 100, 0, 900, false),
		served("profiling", 3000, 0, 20, 900, false),
		served("profiling", 4000, 100, 20, 400, true),
	)
}

func TestGoodputOfRecords(t *testing.T) {
	path := requests(t)
	for text, want := range map[string]float64{
		"ttft_p90=500ms,itl_avg=25ms":             2,
		"ttft_p90=500ms":                          4, // one of them has no inter-token latency
		"itl_p99=25ms":                            4,
		"ttft_p50=100ms,ttft_p99=500ms":           3, // the smaller limit holds
		"e2e_p95=0.5s":                            1,
		"e2e_p95=0.5s,itl_p50=1ms":                0,
		"ttft_avg=1s,itl_avg=1s,e2e_avg=500.01ms": 1,
	} {
		s, err := Summarize(path, 4, targets(t, text))
		if err != nil || s.Goodput == nil || math.Abs(*s.Goodput-want/4) > 1e-12 || s.SLO != targets(t, text).String() {
			t.Errorf("%s: %+v, %v, want %g / 4 s", text, s, err, want)
		}
	}
	if s, err := Summarize(path, 4, nil); err != nil || s.Goodput != nil || s.SLO != "" {
		t.Errorf("without an SLO: %+v, %v", s, err)
	}
}

// The sidecar's number counts for its own SLO only. Records that are missing or incomplete give none.
func TestGoodputOfACell(t *testing.T) {
	path := requests(t)
	cell := func(path string, completed float64) Measurement {
		return Measurement{Path: filepath.Join(filepath.Dir(path), ExportName),
			Metrics: map[string]Metric{"request_count": {Stats: map[string]float64{"avg": completed}}}}
	}
	stored := func(requests int, slo string) *Summary {
		return &Summary{Requests: requests, SLO: slo, Goodput: new(99.0)}
	}
	empty := filepath.Join(t.TempDir(), RecordsName)
	for _, row := range []struct {
		why    string
		m      Measurement
		stored *Summary
		want   float64 // -1: blank
	}{
		{"no sidecar", cell(path, 6), nil, 1},
		{"the sidecar has it", cell(path, 6), stored(7, "ttft_p90=500ms"), 99},
		{"the sidecar has it, and the records are gone", cell(empty, 6), stored(7, "ttft_p90=500ms"), 99},
		{"the sidecar has another SLO", cell(path, 6), stored(7, "ttft_p90=400ms"), 1},
		{"the sidecar has no SLO", cell(path, 6), &Summary{Requests: 7}, 1},
		{"another SLO, and the records are gone", cell(empty, 6), stored(7, "ttft_p90=400ms"), -1},
		{"the records lack a request", cell(path, 8), nil, -1},
		{"the sidecar's lacked a request", cell(path, 8), stored(7, "ttft_p90=500ms"), -1},
		{"the records are cut", cell(recordsFile(t, served("profiling", 0, 1, 1, 1, false), `{"metadata`), 1), nil, -1},
		{"records take no time", cell(recordsFile(t, `{"metadata":{"benchmark_phase":"profiling"},"metrics":{}}`), 1), nil, -1},
		{"the export does not count", Measurement{Path: path}, nil, -1},
	} {
		got, ok := row.m.Goodput(targets(t, "ttft_p90=500ms"), row.stored)
		if ok != (row.want >= 0) || ok && got != row.want {
			t.Errorf("%s: %g, %t, want %g", row.why, got, ok, row.want)
		}
	}
}

func TestLatencyOfATarget(t *testing.T) {
	m := Measurement{Metrics: map[string]Metric{
		"request_count":       {Stats: map[string]float64{"avg": 10}},
		"time_to_first_token": {Stats: map[string]float64{"avg": 1, "p90": 2, "p95": 3}},
		"inter_token_latency": {Stats: map[string]float64{"p50": 4}},
		"request_latency":     {Stats: map[string]float64{"avg": 5}},
	}}
	for text, want := range map[string]float64{"ttft_avg": 1, "ttft_p90": 2, "itl_p50": 4, "e2e_avg": 5,
		"ttft_p95": -1, // needs 20 requests
		"e2e_p50":  -1, // not in the export
	} {
		got, ok := m.Latency(targets(t, text+"=1s")[0])
		if ok != (want >= 0) || ok && got != want {
			t.Errorf("%s: %g, %t, want %g", text, got, ok, want)
		}
	}
	delete(m.Metrics, "request_count")
	if _, ok := m.Latency(targets(t, "ttft_avg=1s")[0]); ok {
		t.Error("an unknown number of requests judges")
	}
}
