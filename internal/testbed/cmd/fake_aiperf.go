package main

import (
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
	failed                             int  // of the requests
	notNumber                          bool // the export holds a NaN
	mu                                 sync.Mutex
	records                            *os.File
}

// aiperf sends the requests of its arguments and writes the files of aiperf 0.13.
// Faults of LC_FAKE_AIPERF: "exit N" without an export, full (it finds no space to write), hang, "slow N" (it begins
// after N ms), leave-child (a stubborn one in a session of its own), nan, "fail N"
// requests and exit with 0.
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
	// aiperf 0.13 writes an export a phase as well, which plot_pareto.py would draw.
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

// phase sends n requests, up to the concurrency at once.
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
