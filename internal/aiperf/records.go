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

	"topobench/internal/text"
)

// requestRecord is one line of profile_export.jsonl, without the unused keys.
type requestRecord struct {
	Metadata struct {
		Phase string `json:"benchmark_phase"` // warmup or profiling
		Start int64  `json:"request_start_ns"`
		End   int64  `json:"request_end_ns"`

		Worker string `json:"worker_id"` // each has connections of its own
	} `json:"metadata"`
	Metrics struct {
		Latency struct {
			Value float64 `json:"value"` // ms; 0 if all chunks arrived together
		} `json:"inter_token_latency"`
		Blocked *struct { // the wait for a connection
			Value float64 `json:"value"` // ms
		} `json:"http_req_blocked"`
		FirstToken struct {
			Value float64 `json:"value"` // ms
		} `json:"time_to_first_token"`
		EndToEnd struct {
			Value float64 `json:"value"` // ms
		} `json:"request_latency"`
		Tokens struct { // of the output
			Value float64 `json:"value"`
		} `json:"output_sequence_length"`
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

// countRecords counts the measured requests in a profile_export.jsonl, those with an inter-token latency, and their
// rates. It fails if the file is incomplete or does not name the phases.
func countRecords(path string) recordCount {
	c := recordCount{path: path}
	for r, err := range records(path) {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return recordCount{path: path, err: errNoRecords}
		case err != nil:
			return recordCount{path: path, err: err}
		case r.Metadata.Phase == "":
			return recordCount{path: path, err: fmt.Errorf("%s does not name the requests of the warm-up", path)}
		case r.Metadata.Phase != "profiling":
			continue
		}
		c.all++
		if r.Metrics.Latency.Value > 0 {
			c.timed++
		}
		if rate, ok := r.rate(); ok {
			c.rates = append(c.rates, rate)
		}
	}
	return c
}

// rate is output tokens / end-to-end latency, in tokens/s. A failed request has none.
func (r requestRecord) rate() (float64, bool) {
	tokens, latency := r.Metrics.Tokens.Value, r.Metrics.EndToEnd.Value
	return tokens / latency * 1000, r.Error == nil && tokens > 0 && latency > 0
}

// Failed returns the causes of a cell's failed requests, from its profile_export.jsonl. If
// every request fails, aiperf writes no export, and only the records have the causes. "" means
// no failed request. An incomplete last line is no error.
func Failed(jsonl string) (string, error) {
	var groups []ErrorGroup
	for r, err := range records(jsonl) {
		switch {
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, io.ErrUnexpectedEOF):
			return Causes(groups), nil
		case err != nil:
			return Causes(groups), err
		case r.Error != nil:
			groups = tally(groups, *r.Error)
		}
	}
	return Causes(groups), nil
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

const messageWidth = 300 // characters of a server's message

// Causes has the failed requests in one line, the most frequent cause first. It is empty without one.
func Causes(groups []ErrorGroup) string {
	groups = slices.SortedStableFunc(slices.Values(groups), func(a, b ErrorGroup) int { return b.Count - a.Count })
	causes := text.Each(groups, func(g ErrorGroup) string {
		cause := fmt.Sprintf("%d x %s", g.Count, g.Label())
		message := text.Ends(text.Message(g.Message), messageWidth)
		if message != "" && !strings.EqualFold(message, g.Label()) {
			cause += " (" + message + ")"
		}
		return cause
	})
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
