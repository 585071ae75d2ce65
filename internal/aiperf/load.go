package aiperf

import (
	"encoding/json"
	"strconv"
	"time"
)

// Load is perf.sh's sweep: one aiperf run for each concurrency.
type Load struct {
	AIPerf      string   `json:"aiperf"`
	Model       string   `json:"model"`
	Tokenizer   string   `json:"tokenizer"`
	TrustRemote bool     `json:"trust_remote_code,omitempty"` // the tokenizer's own Python may run
	URLs        []string `json:"urls"`                        // aiperf sends to several round robin
	Endpoint    string   `json:"endpoint,omitempty"`          // path after the URL; "" = perf.sh's
	Python      string   `json:"python,omitempty"`            // aiperf's own: the requests send the key in KeyVariable
	ISL         int      `json:"isl"`
	OSL         int      `json:"osl"`
	Concurrency []int    `json:"concurrency"`
	Args        []string `json:"args,omitempty"` // of the profile, after all others

	SLO string `json:"slo,omitempty"` // two levels outside it end a sweep

	Options
	Exact     bool          `json:"exact"`       // perf.sh's argv and nothing else
	Quiet     bool          `json:"quiet"`       // aiperf can omit GPU telemetry and server metrics
	NVExt     bool          `json:"nvext"`       // ExtraNVExt is sent, until a server answers it with 400
	Records   bool          `json:"records"`     // aiperf writes RecordsName while it runs
	Batched   bool          `json:"batched"`     // aiperf writes them 100 at a time
	Timeout   time.Duration `json:"timeout_ns"`  // of a cell; 0 = derived
	Progress  time.Duration `json:"progress_ns"` // without a completed request; 0 = derived
	Artifacts string        `json:"artifacts"`   // artifacts_N
	Env       []string      `json:"env"`
}

// Options are set by flags, the same for all topologies of a run.
type Options struct {
	Seed         int  `json:"seed"`          // aiperf's --random-seed
	FreshPrompts bool `json:"fresh_prompts"` // a seed for each concurrency: Seed plus the concurrency
}

// GuideSeed is perf.sh's --random-seed.
const GuideSeed = 100

// ExtraNVExt is perf.sh's last --extra-inputs.
const ExtraNVExt = `{"nvext":{"ignore_eos":true}}`

// Requests is the number of measured requests of a cell, as in perf.sh.
func (l Load) Requests(c int) int { return 10 * c }

// Warmup is the number of requests before the measured ones.
func (l Load) Warmup(c int) int { return 2 * c }

// Extra is perf.sh's --extra-inputs: the body's fields other than model, messages and stream.
func (l Load) Extra() []string {
	osl := strconv.Itoa(l.OSL)
	extra := []string{"max_tokens:" + osl, "min_tokens:" + osl, "ignore_eos:true"}
	if l.NVExt {
		extra = append(extra, ExtraNVExt)
	}
	return extra
}

// Body is the request that aiperf builds from Extra, for one prompt.
func (l Load) Body(prompt string) ([]byte, error) {
	body := map[string]any{"model": l.Model, "messages": []map[string]string{{"role": "user", "content": prompt}},
		"stream": true, "max_tokens": l.OSL, "min_tokens": l.OSL, "ignore_eos": true}
	if l.NVExt {
		body["nvext"] = map[string]any{"ignore_eos": true}
	}
	return json.Marshal(body)
}

// Level is the arguments of a cell that follow from its concurrency.
type Level struct{ Concurrency, Requests, Warmup, Entries, Seed string }

// Level returns the arguments for concurrency c. perf.sh uses one seed for all levels, so each
// level repeats the prompts of the level before: its datasets are nested.
func (l Load) Level(c int) Level {
	seed := l.Seed
	if l.FreshPrompts {
		seed += c
	}
	return Level{Concurrency: strconv.Itoa(c), Requests: strconv.Itoa(l.Requests(c)), Warmup: strconv.Itoa(l.Warmup(c)),
		Entries: strconv.Itoa(12 * c), Seed: strconv.Itoa(seed)}
}

// Argv is the aiperf command for concurrency c with its artifacts in dir.
func (l Load) Argv(c int, dir string) []string { return l.Command(l.Level(c), dir) }

// Command is perf.sh's aiperf command, in perf.sh's order, and then the profile's arguments. Without Exact, aiperf
// draws no screen and scrapes no GPUs and servers: 12.5 s per cell instead of 14.8 (aiperf 0.13).
func (l Load) Command(at Level, dir string) []string {
	argv := append(l.program(), "profile", "--model", l.Model, "--tokenizer", l.Tokenizer,
		"--endpoint-type", "chat", "--endpoint", l.endpoint(), "--streaming")
	if l.TrustRemote {
		argv = append(argv, "--tokenizer-trust-remote-code")
	}
	for _, url := range l.URLs {
		argv = append(argv, "--url", url)
	}
	argv = append(argv, "--synthetic-input-tokens-mean", strconv.Itoa(l.ISL), "--synthetic-input-tokens-stddev", "0",
		"--output-tokens-mean", strconv.Itoa(l.OSL), "--output-tokens-stddev", "0")
	for _, extra := range l.Extra() {
		argv = append(argv, "--extra-inputs", extra)
	}
	argv = append(argv, "--concurrency", at.Concurrency, "--request-count", at.Requests,
		"--warmup-request-count", at.Warmup, "--num-dataset-entries", at.Entries,
		"--random-seed", at.Seed, "--artifact-dir", dir)
	switch {
	case l.Exact:
		argv = append(argv, "--ui", "simple")
	case l.Quiet:
		argv = append(argv, "--ui", "none", "--no-gpu-telemetry", "--no-server-metrics")
	default:
		argv = append(argv, "--ui", "none")
	}
	for _, header := range l.Headers() {
		argv = append(argv, "-H", header)
	}
	return append(argv, l.Args...)
}
