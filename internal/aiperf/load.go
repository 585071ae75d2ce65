package aiperf

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strconv"
	"time"
)

// Load is perf.sh's sweep: one aiperf run for each concurrency.
type Load struct {
	AIPerf       string        `json:"aiperf"`
	Model        string        `json:"model"`
	Tokenizer    string        `json:"tokenizer"`
	URLs         []string      `json:"urls"` // several: aiperf sends to each in turn
	ISL          int           `json:"isl"`
	OSL          int           `json:"osl"`
	Concurrency  []int         `json:"concurrency"`
	Seed         int           `json:"seed"`
	Exact        bool          `json:"exact"`         // perf.sh's argv and nothing else
	Quiet        bool          `json:"quiet"`         // aiperf can leave out GPU telemetry and server metrics
	NVExt        bool          `json:"nvext"`         // perf.sh's {"nvext":{"ignore_eos":true}}; dropped where the server answers it with 400
	FreshPrompts bool          `json:"fresh_prompts"` // a seed of its own for each cell
	Batched      bool          `json:"batched"`       // aiperf writes finished requests a hundred at a time
	Timeout      time.Duration `json:"timeout_ns"`    // of a cell; 0 = derived
	Progress     time.Duration `json:"progress_ns"`   // without a completed request; 0 = derived
	Artifacts    string        `json:"artifacts"`
	Env          []string      `json:"env"`
}

// GuideSeed is perf.sh's --random-seed.
const GuideSeed = 100

// ExtraNVExt is perf.sh's last --extra-inputs.
const ExtraNVExt = `{"nvext":{"ignore_eos":true}}`

// Requests of a cell follow its concurrency, as in perf.sh.
func (l Load) Requests(c int) int { return 10 * c }

// Warmup requests are sent before the measured ones.
func (l Load) Warmup(c int) int { return 2 * c }

// Extra is the body beside model, messages and stream: perf.sh's --extra-inputs.
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

// Argv is perf.sh's aiperf command for concurrency c, its artifacts in dir. The
// order of the arguments is perf.sh's. Not exact: no screen output, no GPU and
// server scraping, which cost 2.3 s a cell (14.8 to 12.5 s, aiperf 0.13).
func (l Load) Argv(c int, dir string) []string {
	argv := []string{l.AIPerf, "profile", "--model", l.Model, "--tokenizer", l.Tokenizer,
		"--endpoint-type", "chat", "--endpoint", "/v1/chat/completions", "--streaming"}
	for _, url := range l.URLs {
		argv = append(argv, "--url", url)
	}
	argv = append(argv, "--synthetic-input-tokens-mean", strconv.Itoa(l.ISL), "--synthetic-input-tokens-stddev", "0",
		"--output-tokens-mean", strconv.Itoa(l.OSL), "--output-tokens-stddev", "0")
	for _, extra := range l.Extra() {
		argv = append(argv, "--extra-inputs", extra)
	}
	argv = append(argv, "--concurrency", strconv.Itoa(c), "--request-count", strconv.Itoa(l.Requests(c)),
		"--warmup-request-count", strconv.Itoa(l.Warmup(c)), "--num-dataset-entries", strconv.Itoa(12*c),
		"--random-seed", strconv.Itoa(l.seed(c)), "--artifact-dir", dir)
	headers := []string{"-H", "Authorization: Bearer NOT USED", "-H", "Accept: text/event-stream"}
	switch {
	case l.Exact:
		argv = append(argv, "--ui", "simple")
	case l.Quiet:
		argv = append(argv, "--ui", "none", "--no-gpu-telemetry", "--no-server-metrics")
	default:
		argv = append(argv, "--ui", "none")
	}
	return append(argv, headers...)
}

// seed: perf.sh's one seed for all levels makes each level send the prompts of
// the level before again (datasets are nested).
func (l Load) seed(c int) int {
	if l.FreshPrompts {
		return l.Seed + c
	}
	return l.Seed
}

// CellDir is the directory of a cell in an artifacts tree, as perf.sh names it.
func CellDir(artifacts string, c int) string {
	return filepath.Join(artifacts, fmt.Sprintf("-concurrency%d", c))
}
