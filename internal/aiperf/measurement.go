package aiperf

import (
	"math"
	"path/filepath"
)

// The files that aiperf writes into its artifact directory: the export, and one line for
// each request.
const (
	ExportName  = "profile_export_aiperf.json"
	RecordsName = "profile_export.jsonl"
)

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
// today's names: 0.1.1's ttft is time_to_first_token here. It has only the metrics that
// topobench uses.
type Measurement struct {
	Path           string
	Schema, AIPerf string // "" where the version did not write them yet
	Metrics        map[string]Metric
	Cancelled      bool
	Incomplete     bool // by aiperf 0.13's own account records are missing
	Errors         []ErrorGroup
	// The load according to the export's input_config; 0 and nil = unknown.
	Requests, Warmup, Concurrency int
	Seed                          *int              // of the prompts
	Extra                         map[string]string // further keys of each request's body, with their JSON text

	records *recordCount // of profile_export.jsonl, where the export does not count
}

// Read reads an export, and the records beside it if it is of aiperf 0.3 to 0.7, whose
// export does not count the requests that have an inter-token latency. The error is a *FileError or the file system's.
func Read(path string) (Measurement, error) {
	data, err := ReadFile(path)
	if err != nil {
		return Measurement{}, err
	}
	m, err := Parse(path, data)
	if err == nil && !m.counts() {
		m.records = countRecords(filepath.Join(filepath.Dir(path), RecordsName))
	}
	return m, err
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
