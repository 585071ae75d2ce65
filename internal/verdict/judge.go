package verdict

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"topobench/internal/aiperf"
)

// tolerance is how far the mean output length may lie from the one asked for.
const tolerance = 0.02

// Asked is what the load was told to do; 0 = unknown.
type Asked struct {
	Requests int // measured ones, without the warm-up
	OSL      int // output tokens of each request
}

// Judge decides whether a measurement may be compared with others: requests
// completed as asked, no errors, not cancelled, output length as asked, an
// inter-token latency of every request, and numbers greater than zero. jsonl is
// the path of profile_export.jsonl or ""; it is opened only for aiperf 0.3 to
// 0.7, whose export does not count. aiperf's exit status is not judged here.
func Judge(m aiperf.Measurement, a Asked, jsonl string) Verdict {
	if a.Requests == 0 {
		a.Requests = m.Requests
	}
	return Sum([]Check{
		requests(m, a),
		failures(m),
		cancelled(m),
		outputLength(m, a),
		interToken(m, a, jsonl),
		positive(m),
	})
}

func requests(m aiperf.Measurement, a Asked) Check {
	const name = "requests"
	done, err := m.Value("request_count", "avg")
	switch {
	case err != nil:
		return Check{name, Invalid, "no request completed: the export has no request_count"}
	case a.Requests == 0:
		return Check{name, Unchecked, fmt.Sprintf("%g requests completed, but nothing says how many were asked for", done)}
	case done != float64(a.Requests):
		return Check{name, Invalid, fmt.Sprintf("%g of %d requests completed", done, a.Requests)}
	}
	return Check{name, Valid, fmt.Sprintf("all %d requests completed", a.Requests)}
}

// failures looks at both places where aiperf writes errors: the metric
// error_request_count has no causes, error_summary has both.
func failures(m aiperf.Measurement) Check {
	const name = "errors"
	var causes []string
	for _, g := range m.Errors {
		causes = append(causes, fmt.Sprintf("%d x %s", g.Count, g.Label()))
	}
	if len(causes) > 0 {
		return Check{name, Invalid, "requests failed: " + strings.Join(causes, ", ")}
	}
	n, err := m.Value("error_request_count", "avg")
	_, untold := errors.AsType[*aiperf.MissingError](err) // aiperf writes it only where requests failed
	switch {
	case err != nil && !untold:
		return Check{name, Invalid, fmt.Sprintf("cannot tell how many requests failed: %v", err)}
	case n > 0:
		return Check{name, Invalid, fmt.Sprintf("%g requests failed", n)}
	}
	return Check{name, Valid, "no request failed"}
}

func cancelled(m aiperf.Measurement) Check {
	const name = "cancelled"
	if m.Cancelled {
		return Check{name, Invalid, "the run was cancelled before its end"}
	}
	if m.Incomplete {
		return Check{name, Invalid, "aiperf says that its result is incomplete"}
	}
	return Check{name, Valid, "the run was not cancelled"}
}

// outputLength trusts the server's own count (usage) over the text tokenised
// again: against a real engine the latter read 17.1 where 15 were generated.
func outputLength(m aiperf.Measurement, a Asked) Check {
	const name = "output length"
	retokenised, errText := m.Value("output_sequence_length", "avg")
	tokens, errUsage := m.Value("usage_completion_tokens", "avg")
	source := "by the server's usage"
	if errUsage != nil {
		tokens, source = retokenised, "by the text tokenised again"
	}
	if errUsage != nil && errText != nil {
		return Check{name, Invalid, "the export has no output length"}
	}
	detail := fmt.Sprintf("%.4g output tokens a request %s", tokens, source)
	if errUsage == nil && errText == nil && Apart(retokenised, tokens) {
		detail += fmt.Sprintf(" (%.4g by the text tokenised again)", retokenised)
	}
	switch {
	case a.OSL == 0:
		return Check{name, Unchecked, detail + ", but nothing says how many were asked for"}
	case Apart(tokens, float64(a.OSL)):
		return Check{name, Invalid, fmt.Sprintf("%s, %d asked for", detail, a.OSL)}
	}
	return Check{name, Valid, fmt.Sprintf("%s, as asked", detail)}
}

// Apart is true of token counts too far from each other to be the same.
func Apart(got, want float64) bool { return math.Abs(got-want) > tolerance*want }

// interToken asks for an inter-token latency of every completed request.
// Requests whose chunks arrived together have none and drop out of the mean of
// output_token_throughput_per_user, which then speaks for a biased few.
func interToken(m aiperf.Measurement, a Asked, jsonl string) Check {
	const name = "inter-token latency"
	if a.OSL == 1 {
		return Check{name, Invalid, "an output of 1 token has no inter-token latency: ask for 2 or more"}
	}
	want, err := m.Value("request_count", "avg")
	if err != nil {
		return Check{name, Unchecked, "no request completed"} // a fault that requests reports
	}
	have, err := withLatency(m, jsonl, want)
	switch {
	case err != nil:
		return Check{name, Unchecked, fmt.Sprintf("cannot tell how many requests have an inter-token latency: %v", err)}
	case have != want:
		return Check{name, Invalid, fmt.Sprintf("%g of %g requests have an inter-token latency", have, want)}
	}
	return Check{name, Valid, fmt.Sprintf("all %g requests have one", want)}
}

// withLatency counts the requests that have an inter-token latency, of the want
// that completed.
func withLatency(m aiperf.Measurement, jsonl string, want float64) (float64, error) {
	const tag = "output_token_throughput_per_user"
	if _, err := m.Value(tag, "avg"); err != nil {
		return 0, nil // aiperf leaves the metric out if no request has one
	}
	if count, err := m.Value(tag, "count"); err == nil {
		return count, nil
	}
	timed, all, err := aiperf.CountRecords(jsonl)
	if err == nil && float64(all) < want {
		err = fmt.Errorf("%s has %d of %g measured requests", jsonl, all, want)
	}
	return float64(timed), err
}

// positive asks for numbers one can divide by. What interToken reports missing
// is not reported again.
func positive(m aiperf.Measurement) Check {
	const name = "numbers"
	var wrong []string
	for _, tag := range []string{"output_token_throughput", "time_to_first_token"} {
		if _, ok := m.Metrics[tag].Stats["avg"]; !ok {
			wrong = append(wrong, "no avg of "+tag)
		}
	}
	for _, tag := range []string{"output_token_throughput", "time_to_first_token", "output_token_throughput_per_user", "inter_token_latency"} {
		v, ok := m.Metrics[tag].Stats["avg"]
		if ok && !(v > 0 && !math.IsInf(v, 0)) {
			wrong = append(wrong, fmt.Sprintf("%s is %g", tag, v))
		}
	}
	if len(wrong) > 0 {
		return Check{name, Invalid, strings.Join(wrong, ", ")}
	}
	return Check{name, Valid, "all are greater than zero"}
}
