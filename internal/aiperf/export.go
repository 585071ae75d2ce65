package aiperf

import (
	"errors"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// exportFile is profile_export_aiperf.json. A null key reads like an absent one.
type exportFile struct {
	schema, aiperf string
	cancelled      bool
	complete       *bool
	metrics        map[string]*Metric
	records        map[string]*Metric // aiperf 0.1 nests all metrics
	errors         []struct {
		Details ErrorGroup `json:"error_details"`
		Count   int        `json:"count"`
	}
	input inputConfig
}

// place returns where the value of a key goes, or nil if topobench does not use it.
func (e *exportFile) place(key []byte) any {
	switch string(key) {
	case "schema_version":
		return &e.schema
	case "aiperf_version":
		return &e.aiperf
	case "was_cancelled":
		return &e.cancelled
	case "is_complete":
		return &e.complete
	case "records":
		return &e.records
	case "error_summary":
		return &e.errors
	case "input_config":
		return &e.input
	}
	if !used(string(key)) {
		return nil
	}
	metric := &Metric{}
	e.metrics[string(key)] = metric
	return metric
}

// used reports whether topobench uses a metric: it uses a tenth of an export.
func used(tag string) bool {
	switch tag {
	case "ttft", "time_to_first_token", "request_count", "error_request_count", "request_throughput",
		"request_latency", "inter_token_latency", "output_token_throughput", "output_token_throughput_per_user",
		endToEnd, "output_sequence_length", "usage_completion_tokens", "overall_usage_prompt_cache_read_pct":
		return true
	}
	return false
}

// UnmarshalJSONFrom implements json.UnmarshalerFrom. It skips unknown keys, such as the texts
// (tag, header) of aiperf 0.1. The Stats of null are nil.
func (m *Metric) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	switch dec.PeekKind() {
	case 'n':
		return dec.SkipValue()
	case '{':
	default:
		return errors.Join(dec.SkipValue(), ErrType)
	}
	m.Stats = make(map[string]float64, len(statistics))
	_, err := dec.ReadToken()
	for err == nil && dec.PeekKind() != '}' {
		var key jsontext.Value
		if key, err = dec.ReadValue(); err == nil {
			err = m.set(member(key), dec)
		}
	}
	if err == nil {
		_, err = dec.ReadToken()
	}
	return err
}

// set reads the value of a member of a metric; "" is one that topobench does not use.
func (m *Metric) set(member string, dec *jsontext.Decoder) error {
	value, err := dec.ReadValue()
	if err != nil || member == "" || value.Kind() == 'n' {
		return err
	}
	switch {
	case member == unitKey:
		err = json.Unmarshal(value, &m.Unit)
	case value.Kind() != '0':
		err = ErrType
	default:
		m.Stats[member], err = strconv.ParseFloat(string(value), 64)
	}
	if err != nil {
		begin := dec.InputOffset() - int64(len(value))
		return &json.SemanticError{ByteOffset: begin, JSONPointer: dec.StackPointer(), Err: err}
	}
	return nil
}

const unitKey = "unit"

// statistics are the keys of a metric's statistics.
var statistics = [...]string{"avg", "min", "max", "std", "count", "sum", // constant
	"p1", "p5", "p10", "p25", "p50", "p75", "p90", "p95", "p99"}

// member is the member of a metric whose key has that JSON text, unless topobench does not use
// it. It makes no string: an export has a thousand of them.
func member(key jsontext.Value) string {
	var buffer [16]byte
	name := unquoted(buffer[:0], key)
	if string(name) == unitKey {
		return unitKey
	}
	for _, known := range statistics {
		if string(name) == known {
			return known
		}
	}
	return ""
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
	if value.Kind() != '0' {
		return nil
	}
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
	e := exportFile{metrics: map[string]*Metric{}}
	if err := decodeMembers(path, data, e.place); err != nil {
		return Measurement{}, err
	}
	m := Measurement{Path: path, Schema: e.schema, AIPerf: e.aiperf, Cancelled: e.cancelled,
		Incomplete: e.complete != nil && !*e.complete, Metrics: make(map[string]Metric, len(e.metrics))}
	for _, found := range []map[string]*Metric{e.records, e.metrics} {
		for tag, metric := range found {
			if metric == nil || metric.Stats == nil || !used(tag) {
				continue
			}
			if tag == "ttft" { // aiperf 0.1.1
				tag = "time_to_first_token"
			}
			if _, twice := m.Metrics[tag]; twice {
				return Measurement{}, &FileError{Path: path, Key: "/" + tag, Err: ErrDuplicate}
			}
			m.Metrics[tag] = *metric
		}
	}
	if len(m.Metrics) == 0 {
		return Measurement{}, &FileError{Path: path, Err: ErrNoMetric}
	}
	for _, g := range e.errors {
		g.Details.Count = g.Count
		m.Errors = append(m.Errors, g.Details)
	}
	e.input.into(&m)
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
