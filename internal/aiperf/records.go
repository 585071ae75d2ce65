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

// CountRecords counts the measured requests in a profile_export.jsonl, and those
// of them with an inter-token latency. A file that is cut off or does not name
// the phases cannot tell: an error.
func CountRecords(path string) (timed, all int, err error) {
	file, _, err := open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, 0, errors.New("the export does not count them, and there is no profile_export.jsonl")
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
			return 0, 0, fmt.Errorf("%s does not say which requests were the warm-up", path)
		case r.Metadata.Phase != "profiling":
			continue
		}
		all++
		if r.Metrics.Latency.Value > 0 {
			timed++
		}
	}
}
