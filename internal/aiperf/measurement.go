package aiperf

import (
	"errors"
	"fmt"
	"math"
)

// The files that aiperf writes into its artifact directory: the export, and one line for
// each request.
const (
	ExportName  = "profile_export_aiperf.json"
	RecordsName = "profile_export.jsonl"
)

// Metric is one metric of an export: its unit and its statistics (avg, min, max, p1 to p99,
// std, count, sum). A null or absent statistic has no entry.
type Metric struct {
	Unit  string
	Stats map[string]float64
}

// ErrorGroup is one line of an export's error_summary.
type ErrorGroup struct {
	Code    int    `json:"code"` // HTTP status; 0 without a response
	Type    string `json:"type"`
	Message string `json:"message"`
	Count   int    `json:"-"` // requests
}

// Measurement is one profile_export_aiperf.json, with the metrics that topobench uses. Metrics
// has today's tags: 0.1.1's ttft is time_to_first_token here.
type Measurement struct {
	Path           string
	Schema, AIPerf string // "" in versions that do not write them
	Metrics        map[string]Metric
	Cancelled      bool
	Incomplete     bool // aiperf 0.13 reports that records are missing
	Errors         []ErrorGroup
	// The load according to the export's input_config; 0 and nil = unknown.
	Requests, Warmup, Concurrency int
	Seed                          *int              // of the prompts
	Extra                         map[string]string // further keys of each request's body, with their JSON text

	records *recordCount // of profile_export.jsonl, if it was read
}

// Reader reads exports, one after another, through one buffer. The zero value is ready.
type Reader struct{ buffer []byte }

// Read reads one export.
func Read(path string) (Measurement, error) { return new(Reader).Read(path) }

// Read reads an export. For aiperf 0.3 to 0.7 it also reads the records beside it, because
// those exports do not count the requests with an inter-token latency. The error is a
// *FileError or the file system's.
func (r *Reader) Read(path string) (Measurement, error) {
	data, err := readInto(r.buffer, path)
	if err != nil {
		return Measurement{}, err
	}
	r.buffer = data // Parse copies what it returns
	m, err := Parse(path, data)
	if err != nil {
		return Measurement{}, err
	}
	if _, uncounted := m.Timed(); uncounted != nil {
		m.readRecords()
	}
	return m, nil
}

// Value returns a statistic of a metric, such as the avg of time_to_first_token, in the
// metric's unit. It fails with *MissingError, or with ErrNegative or ErrRange in a
// *FileError.
func (m Measurement) Value(tag, stat string) (float64, error) {
	v, ok := m.Metrics[tag].Stats[stat]
	switch {
	case !ok:
		return 0, &MissingError{Path: m.Path, Tag: tag, Stat: stat}
	case v < 0:
		return 0, &FileError{Path: m.Path, Key: "/" + tag + "/" + stat, Err: ErrNegative}
	case math.IsNaN(v) || math.IsInf(v, 0):
		return 0, &FileError{Path: m.Path, Key: "/" + tag + "/" + stat, Err: ErrRange}
	}
	return v, nil
}

// recordCount counts the measured requests in profile_export.jsonl.
type recordCount struct {
	path       string
	timed, all int       // timed have an inter-token latency
	rates      []float64 // output tokens / end-to-end latency of each completed request, in tokens/s
	err        error
}

var errNoRecords = errors.New("the export does not count them, and there is no " + RecordsName)

// Timed returns the number of completed requests with an inter-token latency. It fails if
// neither the export nor the records count them.
func (m Measurement) Timed() (float64, error) {
	const perUser = "output_token_throughput_per_user"
	if _, err := m.Value(perUser, "avg"); err != nil {
		return 0, nil // aiperf omits the metric if no request has a latency
	}
	if count, err := m.Value(perUser, "count"); err == nil {
		return count, nil
	}
	r := m.records
	completed, err := m.Value("request_count", "avg")
	switch {
	case r == nil:
		return 0, errNoRecords
	case r.err != nil:
		return 0, r.err
	case err != nil:
		return 0, err
	case float64(r.all) < completed:
		return 0, fmt.Errorf("%s has %d of %g measured requests", r.path, r.all, completed)
	}
	return float64(r.timed), nil
}
