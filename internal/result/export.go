package result

import "strings"

// How many metrics topobench has a use for, and statistics aiperf has of each:
// a map that grows is copied.
const metrics, statistics = 11, 15

// Parse reads the bytes of an export; path is for errors. Unknown keys are
// skipped, but no key may stand twice anywhere. The error is a *FileError.
func Parse(path string, data []byte) (Measurement, error) {
	e := export{m: Measurement{Path: path, Metrics: make(map[string]Metric, metrics)}}
	err := parse(path, data, func(d *document) error {
		e.document = d
		return d.members(e.member)
	})
	if err != nil {
		return Measurement{}, err
	}
	if len(e.m.Metrics) == 0 {
		return Measurement{}, &FileError{Path: path, Err: ErrNoMetric}
	}
	return e.m, nil
}

// export fills in a measurement while the document is read.
type export struct {
	*document
	m Measurement
}

// member reads one key of the document.
func (e *export) member(key string) (err error) {
	switch key {
	case "schema_version":
		e.m.Schema, err = e.text()
	case "aiperf_version":
		e.m.AIPerf, err = e.text()
	case "was_cancelled":
		e.m.Cancelled, err = e.truth()
	case "is_complete":
		var complete bool
		complete, err = e.truth()
		e.m.Incomplete = err == nil && !complete
	case "error_summary":
		err = e.array(e.errorGroup)
	case "input_config":
		err = e.members(e.config)
	case "records": // aiperf 0.1 nests all metrics
		err = e.members(e.metric)
	default:
		err = e.metric(key)
	}
	return err
}

// metric reads the metric under key, or skips what today does not list.
func (e *export) metric(key string) error {
	tag, known := today(key)
	if !known {
		return e.skip()
	}
	if _, twice := e.m.Metrics[tag]; twice {
		return e.fault(ErrDuplicate)
	}
	metric := Metric{Stats: make(map[string]float64, statistics)}
	err := e.members(func(key string) (err error) {
		switch {
		case key == "unit":
			metric.Unit, err = e.text()
		case statistic(key):
			metric.Stats[key], err = e.number()
		default:
			err = e.skip()
		}
		return err
	})
	e.m.Metrics[tag] = metric
	return err
}

// today is a metric's name in aiperf 0.13, and whether topobench has a use for
// it. The others are nine tenths of an export, and most of the time of reading it.
func today(key string) (tag string, known bool) {
	switch key {
	case "ttft":
		return "time_to_first_token", true
	case "request_count", "error_request_count", "request_throughput",
		"time_to_first_token", "inter_token_latency",
		"output_token_throughput", "output_token_throughput_per_user",
		"output_sequence_length", "usage_completion_tokens", "overall_usage_prompt_cache_read_pct":
		return key, true
	}
	return "", false
}

// statistic says whether a metric's key holds a number. 0.1 adds texts (tag,
// header); what later versions add is not ours.
func statistic(key string) bool {
	switch key {
	case "avg", "min", "max", "std", "count", "sum":
		return true
	}
	digits, found := strings.CutPrefix(key, "p")
	return found && digits != "" && strings.Trim(digits, "0123456789") == ""
}
