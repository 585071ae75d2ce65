package aiperf

import (
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// requestRecord is what we need of one line of profile_export.jsonl.
type requestRecord struct {
	Metadata struct {
		Phase string `json:"benchmark_phase"` // warmup or profiling
	} `json:"metadata"`
	Metrics struct {
		Latency struct {
			Value float64 `json:"value"` // ms; 0 if all chunks arrived together
		} `json:"inter_token_latency"`
	} `json:"metrics"`
}

// recordCount is the measured requests in profile_export.jsonl.
type recordCount struct {
	path       string
	timed, all int // timed have an inter-token latency
	err        error
}

const perUser = "output_token_throughput_per_user"

// counts reports whether the export itself counts the requests with an inter-token latency.
func (m Measurement) counts() bool {
	_, there := m.Metrics[perUser]
	_, err := m.Value(perUser, "count")
	return !there || err == nil
}

// Timed is how many of the completed requests have an inter-token latency. It fails where
// neither the export nor the records count them.
func (m Measurement) Timed() (float64, error) {
	if _, err := m.Value(perUser, "avg"); err != nil {
		return 0, nil // aiperf leaves the metric out if no request has one
	}
	if count, err := m.Value(perUser, "count"); err == nil {
		return count, nil
	}
	r := m.records
	if r == nil {
		r = &recordCount{err: errNoRecords}
	}
	completed, err := m.Value("request_count", "avg")
	switch {
	case r.err != nil:
		return 0, r.err
	case err != nil:
		return 0, err
	case float64(r.all) < completed:
		return 0, fmt.Errorf("%s has %d of %g measured requests", r.path, r.all, completed)
	}
	return float64(r.timed), nil
}

var errNoRecords = errors.New("the export does not count them, and there is no " + RecordsName)

func countRecords(path string) *recordCount {
	r := &recordCount{path: path}
	r.timed, r.all, r.err = readRecords(path)
	return r
}

// readRecords counts the measured requests in a profile_export.jsonl, and those of them
// with an inter-token latency. A file that is cut off or does not name the phases is an
// error.
func readRecords(path string) (timed, all int, err error) {
	file, _, err := open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, 0, errNoRecords
	}
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	lines := jsontext.NewDecoder(file)
	for {
		var r requestRecord
		err := json.UnmarshalDecode(lines, &r)
		switch {
		case err == io.EOF:
			return timed, all, nil
		case err != nil:
			return 0, 0, fmt.Errorf("%s: %w", path, err)
		case r.Metadata.Phase == "":
			return 0, 0, fmt.Errorf("%s does not name the requests of the warm-up", path)
		case r.Metadata.Phase != "profiling":
			continue
		}
		all++
		if r.Metrics.Latency.Value > 0 {
			timed++
		}
	}
}
