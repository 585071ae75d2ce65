package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// job holds aiperf's arguments.
type job struct {
	url, model, dir                    string
	concurrency, requests, warmup, osl int
	failed                             int  // requests
	notNumber                          bool // the export contains a NaN
	mu                                 sync.Mutex
	records                            *os.File
}

// aiperf sends the requests of its arguments and writes the files of aiperf 0.13.
// Faults of LC_FAKE_AIPERF:
//
//	exit N        it writes no export
//	full          it finds no space to write
//	hang
//	slow N        it starts after N ms
//	leave-child   a stubborn one in a session of its own
//	nan           the export contains a NaN
//	fail N        N requests fail, and it exits with 0
func aiperf(args []string) int {
	startChildren()
	f := flags(args)
	j := &job{url: f["url"], model: f["model"], dir: f["artifact-dir"]}
	for name, n := range map[string]*int{"concurrency": &j.concurrency, "request-count": &j.requests,
		"warmup-request-count": &j.warmup, "output-tokens-mean": &j.osl} {
		*n, _ = strconv.Atoi(f[name])
	}
	switch fails, n := fault("AIPERF"); fails {
	case "exit":
		fmt.Println("10:19:45.781 ERROR    the dataset manager died")
		return n
	case "full":
		fmt.Println("Traceback (most recent call last):")
		fmt.Println("OSError: [Errno 28] No space left on device: 'profile_export.jsonl'")
		return 1
	case "hang":
		return hang()
	case "slow":
		time.Sleep(time.Duration(n) * time.Millisecond)
	case "leave-child":
		spawn(&syscall.SysProcAttr{Setsid: true}, "stubborn")
	case "nan":
		j.notNumber = true
	case "fail":
		j.failed = n
	}
	if err := j.run(); err != nil {
		fmt.Println("10:19:45.781 ERROR   ", err)
		return 1
	}
	return 0
}

func (j *job) run() (err error) {
	if err := os.MkdirAll(j.dir, 0o755); err != nil {
		return err
	}
	if j.records, err = os.Create(filepath.Join(j.dir, "profile_export.jsonl")); err != nil {
		return err
	}
	for _, phase := range []struct {
		name string
		n    int
	}{{"warmup", j.warmup}, {"profiling", j.requests}} {
		if err := j.phase(phase.name, phase.n); err != nil {
			return err
		}
	}
	// aiperf 0.13 also writes an export for each phase, which plot_pareto.py would draw.
	if err := os.MkdirAll(filepath.Join(j.dir, "phases", "profiling"), 0o755); err != nil {
		return err
	}
	for _, below := range []string{"phases/profiling", "."} {
		path := filepath.Join(j.dir, below, "profile_export_aiperf.json")
		if err := os.WriteFile(path, j.export(), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// phase sends n requests, as many at once as the concurrency.
func (j *job) phase(name string, n int) error {
	left := make(chan struct{}, n)
	for range n {
		left <- struct{}{}
	}
	close(left)
	faults := make(chan error, j.concurrency)
	for range j.concurrency {
		go func() {
			var err error
			for range left {
				if err == nil {
					err = j.request(name)
				}
			}
			faults <- err
		}()
	}
	var first error
	for range j.concurrency {
		if err := <-faults; err != nil {
			first = err
		}
	}
	return first
}

func (j *job) request(phase string) error {
	const form = `{"model":%q,"stream":true,"max_tokens":%d,"messages":[{"role":"user","content":"word"}]}`
	body := fmt.Sprintf(form, j.model, j.osl)
	resp, err := http.Post(j.url+"/v1/chat/completions", "application/json", strings.NewReader(body))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s %w", resp.Status, text, err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	const record = `{"metadata":{"benchmark_phase":%q},"metrics":{"inter_token_latency":{"value":5.0,"unit":"ms"}}}` + "\n"
	_, err = fmt.Fprintf(j.records, record, phase)
	return err
}

// export is profile_export_aiperf.json, schema 1.4, with the keys that topobench
// reads. Its numbers depend only on the arguments: at concurrency c a user
// gets 200/(1+c/8) tokens a second.
func (j *job) export() []byte {
	done := float64(j.requests - j.failed)
	user := 200 / (1 + float64(j.concurrency)/8)
	all := user * float64(j.concurrency)
	document := map[string]any{
		"schema_version": "1.4", "aiperf_version": "0.13.0", "was_cancelled": false, "error_summary": j.errors(),
		"input_config": map[string]any{"phases": []map[string]any{
			{"name": "warmup", "kind": "warmup", "requests": j.warmup, "concurrency": j.concurrency},
			{"name": "profiling", "kind": "profiling", "requests": j.requests, "concurrency": j.concurrency}}},
		"request_count":                    map[string]any{"unit": "requests", "avg": done},
		"output_token_throughput":          map[string]any{"unit": "tokens/sec", "avg": all},
		"request_throughput":               map[string]any{"unit": "requests/sec", "avg": all / float64(j.osl)},
		"output_token_throughput_per_user": distribution("tokens/sec/user", user, done),
		"e2e_output_token_throughput":      distribution("tokens/sec/user", user/2, done),
		"inter_token_latency":              distribution("ms", 1000/user, done),
		"time_to_first_token":              distribution("ms", 10*float64(j.concurrency), done),
		"request_latency":                  distribution("ms", 1000*float64(j.osl)/user, done),
		"output_sequence_length":           distribution("tokens", float64(j.osl), done),
		"usage_completion_tokens":          distribution("tokens", float64(j.osl), done),
	}
	if j.failed > 0 {
		document["error_request_count"] = map[string]any{"unit": "requests", "avg": j.failed}
	}
	text, err := json.MarshalIndent(document, "", "  ")
	if err != nil {
		fmt.Println("ERROR:", err)
	}
	if j.notNumber { // Python's json module writes the mean of no value so
		text = bytes.Replace(text, []byte(`"avg":`), []byte(`"avg": NaN, "was":`), 1)
	}
	return text
}

// errors is error_summary, as recorded from responses with code 500.
func (j *job) errors() []any {
	if j.failed == 0 {
		return []any{}
	}
	return []any{map[string]any{"count": j.failed,
		"error_details": map[string]any{"code": 500, "type": "Internal Server Error", "message": `{"error":"boom"}`}}}
}

func distribution(unit string, avg, count float64) map[string]any {
	return map[string]any{
		"unit": unit, "avg": avg, "min": avg, "max": avg, "std": 0, "count": count, "sum": avg * count,
		"p1": avg, "p5": avg, "p10": avg, "p25": avg, "p50": avg, "p75": avg, "p90": avg, "p95": avg, "p99": avg,
	}
}
