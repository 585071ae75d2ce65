package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"topobench/internal/slo"
)

// Columns of the records of single requests, which the sidecar of a cell sums up.
const (
	steadyThroughput = "steady_output_token_throughput"
	steadySeconds    = "steady_seconds"
	ttftRamp         = "ttft_ramp"

	unsupported = "percentiles_without_evidence"
)

func recordColumns() []string { return []string{steadyThroughput, steadySeconds, ttftRamp} }

// addRecords adds the numbers of the sidecar.
func (r *Row) addRecords() {
	s := r.cell.Records
	if s == nil {
		return
	}
	if s.Steady != nil {
		r.Numbers[steadyThroughput], r.Numbers[steadySeconds] = s.Steady.Throughput, s.Steady.Seconds
	}
	if s.Lockstep != nil {
		r.Numbers[ttftRamp] = s.Lockstep.Ramp
	}
}

// percentileOf is 99 for p99; ok is false for another statistic.
func percentileOf(stat string) (p int, ok bool) {
	digits, is := strings.CutPrefix(stat, "p")
	p, err := strconv.Atoi(digits)
	return p, is && err == nil
}

// PercentileRule explains the blanks of the table.
func PercentileRule() string {
	need := slo.LeastRequests
	return fmt.Sprintf("A percentile needs a request beyond it: p50 %d completed requests, p90 %d, p95 %d, p99 %d, "+
		"and a low one as many as the high one (p10 as p90). With fewer it is blank in the table, and the column "+
		"%s of results.csv names it.", need(50), need(90), need(95), need(99), unsupported)
}

// findUnsupported lists the percentiles of columns for which the cell completed too few requests.
func (r *Row) findUnsupported(columns []string) {
	r.Unsupported = []string{}
	completed, err := r.cell.Measurement.Value("request_count", "avg")
	for _, column := range columns {
		_, stat := metric(column)
		p, is := percentileOf(stat)
		_, measured := r.Numbers[column]
		if is && measured && (err != nil || completed < float64(slo.LeastRequests(p))) {
			r.Unsupported = append(r.Unsupported, column)
		}
	}
}

// percentileWarnings explain the blanks of a series in the table.
func (s Series) percentileWarnings(f Facts) []string {
	_, stat := metric(f.axis.Column)
	p, is := percentileOf(stat)
	if !is {
		return nil
	}
	cells := s.which(f.Rows, func(r Row) bool { return slices.Contains(r.Unsupported, f.axis.Column) })
	if cells.n == 0 {
		return nil
	}
	return []string{fmt.Sprintf("%s: %s fewer than the %d requests that %s needs: it is blank in the table", s.Label,
		cells.verb("has", "have"), slo.LeastRequests(p), f.axis.Mark)}
}
