// Package result reads what aiperf measured and judges whether it may be used.
//
// It promises that a number it hands out stood in the file: what is missing,
// null, negative or not a number is an error with a name, never a zero. It
// reads the exports of aiperf 0.1.1 to 0.13 (JSON schema "" to 1.4).
package result

import "math"

// exportName is the file that aiperf writes into its artifact directory.
const exportName = "profile_export_aiperf.json"

// Metric is one metric of an export: its unit and the statistics that were
// present (avg, min, max, p1 to p99, std, count, sum). A statistic that is
// null or absent has no entry.
type Metric struct {
	Unit  string
	Stats map[string]float64
}

// ErrorGroup is one line of an export's error_summary.
type ErrorGroup struct {
	Code          int // HTTP status; 0 if there was no answer
	Type, Message string
	Count         int // requests
}

// Measurement is one profile_export_aiperf.json. The tags of Metrics are
// today's names: 0.1.1's ttft is time_to_first_token here. Only the metrics
// that today lists are in it.
type Measurement struct {
	Path           string
	Schema, AIPerf string // "" where the version did not write them yet
	Metrics        map[string]Metric
	Cancelled      bool
	Incomplete     bool // aiperf 0.13 itself says that records are missing
	Errors         []ErrorGroup
	// The load according to the export's input_config; 0 = unknown.
	Requests, Warmup, Concurrency int
	Seed                          *int   // of the prompts; nil = unknown
	Extra                         string // extra inputs of the request body, "key:value" sorted; "" = unknown
}

// Read reads an export. The error is a *FileError or the file system's.
func Read(path string) (Measurement, error) { return new(buffer).measurement(path) }

func (b *buffer) measurement(path string) (Measurement, error) {
	data, err := b.load(path)
	if err != nil {
		return Measurement{}, err
	}
	return Parse(path, data)
}

// Value is a statistic of a metric, such as the avg of time_to_first_token, in
// the metric's unit. It fails with *MissingError, or with ErrNegative or
// ErrRange in a *FileError.
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
