package run

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"topobench/internal/aiperf"
	"topobench/internal/artifacts"
	"topobench/internal/verdict"
)

// A client with one connection sends one request after another, whatever its concurrency.
func TestC10ACellWithOneConnectionIsInvalid(t *testing.T) {
	c := newCells(t)
	c.load = aiperf.Load{OSL: 50}
	a := &attempt{Cell: Cell{CellID: artifacts.CellID{Concurrency: 2}}, dir: attemptDir(t, map[string]string{aiperf.ExportName: cell})}
	var lines strings.Builder
	for i := range 20 {
		fmt.Fprintf(&lines, `{"metadata":{"benchmark_phase":"profiling","request_start_ns":%d,"request_end_ns":%d},`+
			`"metrics":{"http_req_blocked":{"value":10}}}`+"\n", i*10e6, (i+2)*10e6)
	}
	if err := os.WriteFile(filepath.Join(a.dir, aiperf.RecordsName), []byte(lines.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	c.judge(a, aiperf.Outcome{}, verdict.Evidence{})
	if check, _ := a.Verdict.Find(verdict.Flight); check.State != verdict.Invalid || !strings.Contains(check.Detail, "1 of 2") {
		t.Errorf("got %+v, want 1 of 2 requests", check)
	}
	if a.records == nil || a.records.Requests != 20 || a.records.InFlight != 1 {
		t.Errorf("the sidecar gets %+v", a.records)
	}
}
