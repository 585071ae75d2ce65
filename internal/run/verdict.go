package run

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"topobench/internal/aiperf"
	"topobench/internal/verdict"
)

// verdict judges an attempt by aiperf's end and by its files. What aiperf's files
// cannot tell becomes a check of its own, so that the sidecar carries it on.
func judgeFiles(attempt string, o aiperf.Outcome, asked verdict.Asked) (v verdict.Verdict, numbers string) {
	m, err := aiperf.Read(filepath.Join(attempt, "profile_export_aiperf.json"))
	if err == nil {
		v = verdict.Judge(m, asked, filepath.Join(attempt, "profile_export.jsonl"))
		numbers = headline(m)
	}
	var run []verdict.Check
	for _, reason := range why(attempt, o, err) {
		run = append(run, verdict.Check{Name: "run", State: verdict.Invalid, Detail: reason})
	}
	return v.With(run...), numbers
}

// served reports that every request was answered, whatever else is wrong with the
// numbers: an output of another length is no fault of a worker.
func served(v verdict.Verdict) bool {
	return !slices.ContainsFunc(v.Checks, func(c verdict.Check) bool {
		return c.State == verdict.Invalid && slices.Contains([]string{"run", "requests", "errors", "cancelled"}, c.Name)
	})
}

// headline is what a person waits for; a number that is missing is left out.
func headline(m aiperf.Measurement) string {
	var parts []string
	for _, x := range []struct{ tag, format string }{
		{"output_token_throughput_per_user", "%.1f tok/s/user"}, {"output_token_throughput", "%.1f tok/s"}, {"time_to_first_token", "TTFT %.1f ms"},
	} {
		if n, err := m.Value(x.tag, "avg"); err == nil {
			parts = append(parts, fmt.Sprintf(x.format, n))
		}
	}
	return strings.Join(parts, ", ")
}

// why says how a cell went wrong, in one line each: how aiperf ended, and the
// causes of failed requests or aiperf's own last error. unread is why its export
// could not be read.
func why(attempt string, o aiperf.Outcome, unread error) []string {
	if o.Problem == "" {
		if unread != nil {
			return []string{unread.Error()}
		}
		return nil
	}
	problem, _, _ := strings.Cut(o.Problem, "\n")
	reasons := []string{problem}
	failed, err := aiperf.Failed(filepath.Join(attempt, "profile_export.jsonl"))
	switch {
	case err != nil:
		reasons = append(reasons, err.Error())
	case failed != "":
		reasons = append(reasons, failed)
	case o.Error != "":
		reasons = append(reasons, o.Error)
	}
	return reasons
}
