package aiperf

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// aiperf 0.8 writes the percentile and the records: both ways to it agree.
func TestEndToEndOfTheRecordsIsThatOfTheExport(t *testing.T) {
	m, err := Read(filepath.Join("testdata", "versions", "0.8.0", "-concurrency2", ExportName))
	if err != nil {
		t.Fatal(err)
	}
	want, err := m.EndToEnd()
	if err != nil || want != m.Metrics[endToEnd].Stats["p10"] {
		t.Fatalf("got %g, %v of the export", want, err)
	}
	if m.ReadRecords(); m.records != nil {
		t.Error("the records were read although the export has the number")
	}
	delete(m.Metrics, endToEnd)
	if got, err := m.EndToEnd(); err == nil {
		t.Errorf("%g without export and records", got)
	}
	m.ReadRecords()
	if got, err := m.EndToEnd(); err != nil || math.Abs(got-want) > 1e-9 {
		t.Errorf("the records give %g, %v, the export %g", got, err, want)
	}
}

// Before 0.8 Read reads the records anyway. numpy.percentile gives the wanted numbers.
func TestEndToEndOfEarlyVersions(t *testing.T) {
	for version, want := range map[string]float64{"0.3.0": 126.24413661808357, "0.6.0": 125.21031655354936} {
		m, err := Read(filepath.Join("testdata", "versions", version, "-concurrency2", ExportName))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := m.EndToEnd(); err != nil || math.Abs(got-want) > 1e-9 {
			t.Errorf("%s: got %g, %v, want %g", version, got, err, want)
		}
	}
	m, err := Read(filepath.Join("testdata", "versions", "0.1.1", "-concurrency2", ExportName))
	if err != nil {
		t.Fatal(err)
	}
	m.ReadRecords()
	if got, err := m.EndToEnd(); err == nil || !strings.Contains(err.Error(), endToEnd) || !strings.Contains(err.Error(), RecordsName) {
		t.Errorf("0.1.1 writes neither: %g, %v", got, err)
	}
}

// A percentile over a part of the requests, or over those of the warm-up, would look right.
func TestEndToEndNeedsEveryCompletedRequest(t *testing.T) {
	line := func(phase, latency, further string) string {
		return `{"metadata":{"benchmark_phase":"` + phase + `"},"metrics":{"output_sequence_length":{"value":10},` +
			`"request_latency":{"value":` + latency + `}}` + further + "}\n"
	}
	failed := line("profiling", "1", `,"error":{"code":500,"type":"x","message":"y"}`)
	for _, row := range []struct {
		name, records string
		want          float64 // 0: none
	}{
		{"two requests", line("profiling", "100", "") + line("profiling", "200", ""), 55},
		{"warm-up and failed ones", line("warmup", "9000", "") + line("profiling", "100", "") + failed + line("profiling", "200", ""), 55},
		{"one is missing", line("profiling", "100", "") + failed, 0},
		{"one has no latency", line("profiling", "100", "") + line("profiling", "0", ""), 0},
		{"no phases", line("", "100", "") + line("", "200", ""), 0},
		{"cut off", line("profiling", "100", "") + line("profiling", "200", "") + "{", 0},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, RecordsName), []byte(row.records), 0o644); err != nil {
			t.Fatal(err)
		}
		m, err := Parse(filepath.Join(dir, ExportName), []byte(`{"request_count":{"avg":2}}`))
		if err != nil {
			t.Fatal(err)
		}
		m.ReadRecords()
		got, err := m.EndToEnd()
		if math.Abs(got-row.want) > 1e-9 || (err == nil) != (row.want > 0) {
			t.Errorf("%s: got %g, %v, want %g", row.name, got, err, row.want)
		}
	}
}
