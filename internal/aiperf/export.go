package aiperf

import (
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// exportFile is profile_export_aiperf.json. A null key reads like an absent one.
type exportFile struct {
	metrics   `json:",embed"`
	Schema    string  `json:"schema_version"`
	AIPerf    string  `json:"aiperf_version"`
	Cancelled bool    `json:"was_cancelled"`
	Complete  *bool   `json:"is_complete"`
	Records   metrics `json:"records"` // aiperf 0.1 nests all metrics
	Errors    []struct {
		Details ErrorGroup `json:"error_details"`
		Count   int        `json:"count"`
	} `json:"error_summary"`
	Input inputConfig `json:"input_config"`
}

// metrics are the metrics that topobench uses, a tenth of an export.
type metrics struct {
	TTFT       *stats `json:"ttft"` // time_to_first_token in aiperf 0.1.1
	FirstToken *stats `json:"time_to_first_token"`
	Requests   *stats `json:"request_count"`
	Failed     *stats `json:"error_request_count"`
	Rate       *stats `json:"request_throughput"`
	Latency    *stats `json:"request_latency"`
	InterToken *stats `json:"inter_token_latency"`
	Throughput *stats `json:"output_token_throughput"`
	PerUser    *stats `json:"output_token_throughput_per_user"`
	EndToEnd   *stats `json:"e2e_output_token_throughput"`
	OSL        *stats `json:"output_sequence_length"`
	Usage      *stats `json:"usage_completion_tokens"`
	CacheRead  *stats `json:"overall_usage_prompt_cache_read_pct"`
}

func (m metrics) byTag() map[string]*stats {
	return map[string]*stats{"ttft": m.TTFT, "time_to_first_token": m.FirstToken, "request_count": m.Requests,
		"error_request_count": m.Failed, "request_throughput": m.Rate, "request_latency": m.Latency,
		"inter_token_latency":     m.InterToken,
		"output_token_throughput": m.Throughput, "output_token_throughput_per_user": m.PerUser, endToEnd: m.EndToEnd,
		"output_sequence_length": m.OSL, "usage_completion_tokens": m.Usage,
		"overall_usage_prompt_cache_read_pct": m.CacheRead}
}

// stats is one metric, without the texts (tag, header) of aiperf 0.1.
type stats struct {
	Unit  string   `json:"unit"`
	Avg   *float64 `json:"avg"`
	Min   *float64 `json:"min"`
	Max   *float64 `json:"max"`
	Std   *float64 `json:"std"`
	Count *float64 `json:"count"`
	Sum   *float64 `json:"sum"`
	P1    *float64 `json:"p1"`
	P5    *float64 `json:"p5"`
	P10   *float64 `json:"p10"`
	P25   *float64 `json:"p25"`
	P50   *float64 `json:"p50"`
	P75   *float64 `json:"p75"`
	P90   *float64 `json:"p90"`
	P95   *float64 `json:"p95"`
	P99   *float64 `json:"p99"`
}

func (s stats) metric() Metric {
	m := Metric{Unit: s.Unit, Stats: make(map[string]float64, 16)}
	for _, x := range [...]struct {
		name  string
		value *float64
	}{{"avg", s.Avg}, {"min", s.Min}, {"max", s.Max}, {"std", s.Std}, {"count", s.Count}, {"sum", s.Sum},
		{"p1", s.P1}, {"p5", s.P5}, {"p10", s.P10}, {"p25", s.P25}, {"p50", s.P50}, {"p75", s.P75},
		{"p90", s.P90}, {"p95", s.P95}, {"p99", s.P99}} {
		if x.value != nil {
			m.Stats[x.name] = *x.value
		}
	}
	return m
}

// inputConfig is the configuration of the load. Up to aiperf 0.8 it has loadgen and input,
// from 0.9 on phases, datasets and endpoint.extra.
type inputConfig struct {
	LoadGen struct {
		Requests    single `json:"request_count"`
		Warmup      single `json:"warmup_request_count"`
		Concurrency single `json:"concurrency"`
	} `json:"loadgen"`
	Phases []struct {
		Name        string `json:"name"`
		Requests    single `json:"requests"`
		Concurrency single `json:"concurrency"`
	} `json:"phases"`
	Input struct {
		Seed  jsontext.Value `json:"random_seed"`
		Extra jsontext.Value `json:"extra"`
	} `json:"input"`
	Datasets []struct {
		Seed jsontext.Value `json:"random_seed"`
	} `json:"datasets"`
	Endpoint struct {
		Extra jsontext.Value `json:"extra"`
	} `json:"endpoint"`
}

// single is one number of input_config; a list (a sweep of aiperf's own) or null leaves it 0.
type single int

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (s *single) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	if dec.PeekKind() != '0' {
		return dec.SkipValue()
	}
	return readCount(dec, (*int)(s))
}

// integer is nil for any other value.
func integer(value jsontext.Value) *int {
	n, err := strconv.Atoi(value.String())
	if err != nil {
		return nil
	}
	return &n
}

// extraInputs are further keys of each request's body with their JSON text: [["ignore_eos", true]]
// up to aiperf 0.8, {"ignore_eos": true} from 0.9 on. It skips any other form.
func extraInputs(value jsontext.Value) map[string]string {
	inputs := map[string]string{}
	var object map[string]jsontext.Value
	var pairs [][2]jsontext.Value
	switch {
	case json.Unmarshal(value, &object) == nil:
		for name, v := range object {
			inputs[name] = v.String()
		}
	case json.Unmarshal(value, &pairs) == nil:
		for _, pair := range pairs {
			inputs[strings.Trim(pair[0].String(), `"`)] = pair[1].String()
		}
	}
	return inputs
}

// Parse reads the bytes of an export; path is for errors. It skips unknown keys. The
// error is a *FileError.
func Parse(path string, data []byte) (Measurement, error) {
	var e exportFile
	if err := Decode(path, data, &e); err != nil {
		return Measurement{}, err
	}
	m := Measurement{Path: path, Schema: e.Schema, AIPerf: e.AIPerf, Cancelled: e.Cancelled,
		Incomplete: e.Complete != nil && !*e.Complete, Metrics: map[string]Metric{}}
	for _, found := range []map[string]*stats{e.Records.byTag(), e.metrics.byTag()} {
		for tag, s := range found {
			if s == nil {
				continue
			}
			if tag == "ttft" {
				tag = "time_to_first_token"
			}
			if _, twice := m.Metrics[tag]; twice {
				return Measurement{}, &FileError{Path: path, Key: "/" + tag, Err: ErrDuplicate}
			}
			m.Metrics[tag] = s.metric()
		}
	}
	if len(m.Metrics) == 0 {
		return Measurement{}, &FileError{Path: path, Err: ErrNoMetric}
	}
	for _, g := range e.Errors {
		g.Details.Count = g.Count
		m.Errors = append(m.Errors, g.Details)
	}
	e.Input.into(&m)
	return m, nil
}

func (c inputConfig) into(m *Measurement) {
	m.Requests, m.Warmup = int(c.LoadGen.Requests), int(c.LoadGen.Warmup)
	m.Concurrency, m.Seed = int(c.LoadGen.Concurrency), integer(c.Input.Seed)
	for _, phase := range c.Phases { // phases of the same name add up
		switch phase.Name {
		case "warmup":
			m.Warmup += int(phase.Requests)
		case "profiling":
			m.Requests += int(phase.Requests)
			m.Concurrency = int(phase.Concurrency)
		}
	}
	for _, dataset := range c.Datasets {
		m.Seed = integer(dataset.Seed)
	}
	if m.Extra = extraInputs(c.Endpoint.Extra); len(m.Extra) == 0 {
		m.Extra = extraInputs(c.Input.Extra)
	}
}
