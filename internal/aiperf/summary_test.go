package aiperf

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// line is a record of one request; times are in ms, and a negative wait is not recorded.
func line(phase string, start, end int, wait float64) string {
	blocked := fmt.Sprintf(`"http_req_blocked":{"value":%g,"unit":"ms"}`, wait)
	if wait < 0 {
		blocked = ""
	}
	return fmt.Sprintf(`{"metadata":{"benchmark_phase":%q,"request_start_ns":%d,"request_end_ns":%d},"metrics":{%s}}`,
		phase, start*1e6, end*1e6, blocked)
}

func TestC10InFlight(t *testing.T) {
	const measured = "profiling"
	for _, row := range []struct {
		why      string
		lines    []string
		most     int // 0 = not recorded
		requests int
	}{
		{"three at once", []string{line(measured, 0, 10, 0), line(measured, 1, 9, 0), line(measured, 2, 8, 0)}, 3, 3},
		{"the third waits for a connection", []string{line(measured, 0, 10, 0), line(measured, 1, 9, 0), line(measured, 2, 20, 8)}, 2, 3},
		{"one begins when another ends", []string{line(measured, 0, 10, 0), line(measured, 10, 20, 0)}, 1, 2},
		{"the warm-up does not count", []string{line("warmup", 0, 10, 0), line(measured, 0, 10, 0)}, 1, 1},
		{"no wait is recorded", []string{line(measured, 0, 10, -1), line(measured, 1, 9, -1)}, 0, 2},
		{"one failed before its connection", []string{line(measured, 0, 10, 0), line(measured, 1, 9, -1)}, 2, 2},
	} {
		path := filepath.Join(t.TempDir(), RecordsName)
		if err := os.WriteFile(path, []byte(strings.Join(row.lines, "\n")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Summarize(path, 4, nil)
		if s.InFlight != row.most || s.Requests != row.requests || s.Steady != nil || s.Lockstep != nil || err != nil {
			t.Errorf("%s: %+v, %v; want %d of %d", row.why, s, err, row.most, row.requests)
		}
	}
}

// A client without enough CPU time records ends late, also after the begin of the request that has the connection. The
// number of connections is the truth.
func TestC10InFlightOfAStarvedClient(t *testing.T) {
	for _, row := range []struct{ concurrency, limit, workers, late int }{
		{16, 4, 1, 0}, {16, 4, 1, 30}, {16, 4, 1, 300}, {16, 8, 1, 60}, {16, 4, 3, 250}, {4, 8, 1, 300},
	} {
		r := rand.New(rand.NewPCG(1, uint64(row.late)))
		var lines []string
		for worker := range row.workers {
			free := make([]int, row.limit) // when each connection is free, in ms
			asked := make([]int, row.concurrency)
			for range 20 * row.concurrency {
				slices.Sort(free)
				slices.Sort(asked)
				start := asked[0]
				sent := max(start, free[0])
				end := sent + 50 + r.IntN(100)
				stamp := end + r.IntN(row.late+1)
				free[0], asked[0] = end, stamp // the next request follows the record
				lines = append(lines, strings.Replace(line("profiling", start, stamp, float64(sent-start)), `{"metadata":{`,
					fmt.Sprintf(`{"metadata":{"worker_id":"worker_%d",`, worker), 1))
			}
		}
		path := filepath.Join(t.TempDir(), RecordsName)
		if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
			t.Fatal(err)
		}
		want := row.workers * min(row.limit, row.concurrency)
		if s, err := Summarize(path, row.concurrency, nil); s.InFlight != want || err != nil {
			t.Errorf("%+v: %d, %v; want %d", row, s.InFlight, err, want)
		}
	}
}

// The real aiperfs of the recordings had two requests under way; before 0.6 they record no wait.
func TestInFlightOfRecordings(t *testing.T) {
	for name, want := range map[string]int{"aiperf-0.13.0": 2, "aiperf-0.6.0": 2, "aiperf-0.9.0": 2, "aiperf-0.3.0": 0} {
		s, err := Summarize(filepath.Join("testdata", name+".jsonl"), 2, nil)
		if err != nil || s.InFlight != want || s.Throughput <= 0 || s.Seconds <= 0 {
			t.Errorf("%s: %+v, %v; want %d", name, s, err, want)
		}
	}
	if s, err := Summarize(filepath.Join(t.TempDir(), RecordsName), 2, nil); s.Requests != 0 || err != nil {
		t.Errorf("without a file: %+v, %v", s, err)
	}
}
