package verdict

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"topobench/internal/aiperf"
)

// run reports how aiperf failed, in one line each: the causes of failed requests or its
// own last error, then its end.
func run(c cell) (all []finding) {
	for _, reason := range []string{c.e.AIPerf.Causes, c.e.AIPerf.Problem} {
		if c.e.AIPerf.Problem != "" && reason != "" {
			all = append(all, finding{Invalid, firstLine(reason)})
		}
	}
	return all
}

// result reports an export that could not be read. Without one, the rules on its numbers
// do not apply.
func result(c cell) []finding {
	return when(c.e.AIPerf.NoExport != "" && c.e.AIPerf.Problem == "", Invalid, c.e.AIPerf.NoExport)
}

func concurrency(c cell) []finding {
	switch found := c.m.Concurrency; {
	case c.m.Metrics == nil || c.load.Concurrency == 0:
		return nil
	case found != 0 && found != c.load.Concurrency:
		return one(Invalid, fmt.Sprintf("the cell is of concurrency %d, its export of %d", c.load.Concurrency, found))
	}
	return one(Valid, fmt.Sprintf("%d", c.load.Concurrency))
}

// tolerance is how far the mean output length may be from the configured one.
const tolerance = 0.02

func requests(c cell) []finding {
	done, err := c.m.Value("request_count", "avg")
	switch {
	case err != nil:
		return one(Invalid, "no request completed: the export has no request_count")
	case c.load.Requests == 0:
		return one(Unchecked, fmt.Sprintf("%g requests completed, but the configured number is unknown", done))
	case done != float64(c.load.Requests):
		return one(Invalid, fmt.Sprintf("%g of %d requests completed", done, c.load.Requests))
	}
	return one(Valid, fmt.Sprintf("all %d requests completed", c.load.Requests))
}

// failures looks at both places where aiperf writes errors: the metric
// error_request_count has no causes, error_summary has both.
func failures(c cell) []finding {
	if causes := aiperf.Causes(c.m.Errors); causes != "" {
		return one(Invalid, causes)
	}
	n, err := c.m.Value("error_request_count", "avg")
	_, absent := errors.AsType[*aiperf.MissingError](err) // aiperf writes it only where requests failed
	switch {
	case err != nil && !absent:
		return one(Invalid, fmt.Sprintf("cannot count the failed requests: %v", err))
	case n > 0:
		return one(Invalid, fmt.Sprintf("%g requests failed", n))
	}
	return one(Valid, "no request failed")
}

// cancelled leaves a run that topobench itself interrupted to the rule that has the cause.
func cancelled(c cell) []finding {
	if c.e.AIPerf.Problem != "" {
		return nil
	}
	if c.m.Cancelled {
		return one(Invalid, "the run was cancelled before its end")
	}
	if c.m.Incomplete {
		return one(Invalid, "aiperf marked its result incomplete")
	}
	return one(Valid, "the run was not cancelled")
}

// outputLength trusts the server's own count (usage) over the text tokenised
// again: against a real engine the latter read 17.1 where 15 were generated.
func outputLength(c cell) []finding {
	retokenised, errText := c.m.Value("output_sequence_length", "avg")
	tokens, errUsage := c.m.Value("usage_completion_tokens", "avg")
	source := "by the server's usage"
	if errUsage != nil {
		tokens, source = retokenised, "by the text tokenised again"
	}
	if errUsage != nil && errText != nil {
		return one(Invalid, "the export has no output length")
	}
	detail := fmt.Sprintf("%.4g output tokens a request %s", tokens, source)
	if errUsage == nil && errText == nil && Apart(retokenised, tokens) {
		detail += fmt.Sprintf(" (%.4g by the text tokenised again)", retokenised)
	}
	switch {
	case c.load.OSL == 0:
		return one(Unchecked, detail+", but the configured length is unknown")
	case Apart(tokens, float64(c.load.OSL)):
		return one(Invalid, fmt.Sprintf("%s, %d configured", detail, c.load.OSL))
	}
	return one(Valid, fmt.Sprintf("%s, as configured", detail))
}

// Apart is true of token counts too far from each other to be the same.
func Apart(got, want float64) bool { return math.Abs(got-want) > tolerance*want }

// interToken requires an inter-token latency of every completed request.
// Requests whose chunks arrived together have none and drop out of the mean of
// output_token_throughput_per_user, which is then the mean of a biased few.
func interToken(c cell) []finding {
	if c.load.OSL == 1 {
		return one(Invalid, "an output of 1 token has no inter-token latency: set 2 or more")
	}
	want, err := c.m.Value("request_count", "avg")
	if err != nil { // a fault that requests reports
		return one(Unchecked, "no request completed")
	}
	have, err := c.m.Timed()
	switch {
	case err != nil:
		return one(Unchecked, fmt.Sprintf("cannot count the requests with an inter-token latency: %v", err))
	case have != want:
		return one(Invalid, fmt.Sprintf("%g of %g requests have an inter-token latency", have, want))
	}
	return one(Valid, fmt.Sprintf("all %g requests have one", want))
}

// positive requires numbers to divide by. It leaves to interToken the metrics that
// interToken reports missing.
func positive(c cell) []finding {
	var wrong []string
	for _, tag := range []string{"output_token_throughput", "time_to_first_token"} {
		if _, ok := c.m.Metrics[tag].Stats["avg"]; !ok {
			wrong = append(wrong, "no avg of "+tag)
		}
	}
	for _, tag := range []string{"output_token_throughput", "time_to_first_token",
		"output_token_throughput_per_user", "inter_token_latency"} {
		v, ok := c.m.Metrics[tag].Stats["avg"]
		if ok && !(v > 0 && !math.IsInf(v, 0)) {
			wrong = append(wrong, fmt.Sprintf("%s is %g", tag, v))
		}
	}
	if len(wrong) > 0 {
		return one(Invalid, strings.Join(wrong, ", "))
	}
	return one(Valid, "all are greater than zero")
}
