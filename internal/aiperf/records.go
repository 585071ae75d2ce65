package aiperf

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// requestRecord is one line of profile_export.jsonl, without the unused keys.
type requestRecord struct {
	Metadata struct {
		Phase string `json:"benchmark_phase"` // warmup or profiling
		Start int64  `json:"request_start_ns"`
		End   int64  `json:"request_end_ns"`
	} `json:"metadata"`
	Metrics struct {
		Latency struct {
			Value float64 `json:"value"` // ms; 0 if all chunks arrived together
		} `json:"inter_token_latency"`
		Blocked *struct { // the wait for a connection
			Value float64 `json:"value"` // ms
		} `json:"http_req_blocked"`
	} `json:"metrics"`
	Error *ErrorGroup `json:"error"`
}

// records yields the lines of a profile_export.jsonl. An error ends them.
func records(path string) iter.Seq2[requestRecord, error] {
	return func(yield func(requestRecord, error) bool) {
		file, _, err := open(path)
		if err != nil {
			yield(requestRecord{}, err)
			return
		}
		defer file.Close() // it was only read
		for lines := jsontext.NewDecoder(file); ; {
			var r requestRecord
			err := json.UnmarshalDecode(lines, &r)
			if err == io.EOF {
				return
			}
			if err != nil {
				err = fmt.Errorf("%s: %w", path, err)
			}
			if !yield(r, err) || err != nil {
				return
			}
		}
	}
}

// countRecords counts the measured requests in a profile_export.jsonl, and those with an
// inter-token latency. It fails if the file is incomplete or does not name the phases.
func countRecords(path string) (timed, all int, err error) {
	for r, err := range records(path) {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return 0, 0, errNoRecords
		case err != nil:
			return 0, 0, err
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
	return timed, all, nil
}

// Failed returns the causes of a cell's failed requests, from its profile_export.jsonl. If
// every request fails, aiperf writes no export, and only the records have the causes. "" means
// no failed request. An incomplete last line is no error.
func Failed(jsonl string) (string, error) {
	var groups []ErrorGroup
	for r, err := range records(jsonl) {
		switch {
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, io.ErrUnexpectedEOF):
			return sentence(groups), nil
		case err != nil:
			return sentence(groups), err
		case r.Error != nil:
			groups = tally(groups, *r.Error)
		}
	}
	return sentence(groups), nil
}

// tally adds e to the group of its code and type, and keeps the group's first message.
func tally(groups []ErrorGroup, e ErrorGroup) []ErrorGroup {
	for i, g := range groups {
		if g.Code == e.Code && g.Type == e.Type {
			groups[i].Count++
			return groups
		}
	}
	e.Count = 1
	return append(groups, e)
}

const messageWidth = 160 // characters of a server's message

func sentence(groups []ErrorGroup) string {
	slices.SortStableFunc(groups, func(a, b ErrorGroup) int { return b.Count - a.Count })
	var causes []string
	for _, g := range groups {
		message := strings.Join(strings.Fields(fmt.Sprintf("%+q", g.Message)), " ")
		if len(message) > messageWidth {
			message = message[:messageWidth] + "…"
		}
		causes = append(causes, fmt.Sprintf("%d x %s (%s)", g.Count, g.Label(), message))
	}
	if len(causes) == 0 {
		return ""
	}
	return "requests failed: " + strings.Join(causes, ", ")
}

// Label is the cause in a few words, without the server's message.
func (g ErrorGroup) Label() string {
	// Quoting removes control characters, because the text goes to a terminal.
	kind := strings.Trim(strconv.Quote(g.Type), `"`)
	switch {
	case g.Code != 0:
		return strings.TrimSpace(fmt.Sprintf("%d %s", g.Code, kind))
	case kind != "":
		return kind
	}
	return "an error without a type"
}
