package plan

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"topobench/internal/profile"
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

// guideSeed is perf.sh's --random-seed.
const guideSeed = 100

// nvext is perf.sh's last --extra-inputs.
const nvext = `{"nvext":{"ignore_eos":true}}`

// Requests of a cell follow its concurrency, as in perf.sh.
func (l Load) Requests(c int) int { return 10 * c }

// Warmup requests are sent before the measured ones.
func (l Load) Warmup(c int) int { return 2 * c }

// Extra is the body beside model, messages and stream: perf.sh's --extra-inputs.
func (l Load) Extra() []string {
	osl := strconv.Itoa(l.OSL)
	extra := []string{"max_tokens:" + osl, "min_tokens:" + osl, "ignore_eos:true"}
	if l.NVExt {
		extra = append(extra, nvext)
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

// load decides where the load goes and with what; the smoke sends the same body.
func (d *draft) load() {
	l := d.p.Load
	var urls, direct []string
	for _, entry := range d.entries() {
		direct = append(direct, "http://"+entry)
		urls = append(urls, "http://"+strings.Replace(entry, loopback+":", "localhost:", 1)) // as the guide has it
	}
	d.plan.Load = Load{AIPerf: d.s.Programs.AIPerf, Model: d.plan.Model, Tokenizer: tokenizer(d.p), URLs: urls,
		ISL: l.ISL, OSL: l.OSL, Concurrency: l.Concurrency, Seed: d.s.Seed, FreshPrompts: d.s.FreshPrompts, Exact: l.Exact, Quiet: d.rules.quietLoad, NVExt: true,
		Batched: d.rules.batchedLoad, Timeout: d.p.Timeouts.Cell, Progress: d.p.Timeouts.Progress, Artifacts: d.s.Artifacts, Env: LoadEnv(d.p, d.s)}
	counters, transfers := d.plan.Smoke.Counters, d.plan.Smoke.Transfers
	d.plan.Smoke = NewSmoke(direct...)
	d.plan.Smoke.Counters, d.plan.Smoke.Transfers = counters, transfers
	d.plan.Smoke.Round = max(len(direct), len(d.p.Prefill), len(d.p.Decode), len(d.p.Aggregated))
	d.plan.Smoke.Patience = min(d.plan.Smoke.Patience, d.p.Timeouts.Ready) // a lagging router is not ready either
}

// LoadEnv is aiperf's environment. On two cores its services need longer than
// the 30 s it gives them to register. The profile's env is the workers', but for what
// tells where models and tokens are: aiperf must find the workers' tokenizer.
func LoadEnv(p profile.Profile, s Site) []string {
	var env []string
	if filepath.IsAbs(tokenizer(p)) {
		// With either of them set, to 0 even, aiperf 0.13 refuses a local tokenizer (HFValidationError).
		env = append(env, "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
	}
	env = append(env, bookkeeping(s)...)
	for _, kv := range pairs(p.Env) {
		if name, _, _ := strings.Cut(kv, "="); strings.HasPrefix(name, "HF_") && !slices.Contains(env, name) {
			env = append(env, kv)
		}
	}
	return append(env, "AIPERF_SERVICE_REGISTRATION_TIMEOUT=300", "AIPERF_SERVICE_START_TIMEOUT=300", "TERM=dumb", "COLUMNS=120")
}

func tokenizer(p profile.Profile) string {
	if p.Tokenizer != "" {
		return p.Tokenizer
	}
	return p.Model
}

// CellDir is the directory of a cell in an artifacts tree, as perf.sh names it.
func CellDir(artifacts string, c int) string {
	return filepath.Join(artifacts, fmt.Sprintf("-concurrency%d", c))
}
