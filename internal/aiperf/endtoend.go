package aiperf

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
)

// endToEnd is output tokens / end-to-end latency of a request, in tokens/s. aiperf exports it from 0.8 on.
const endToEnd = "e2e_output_token_throughput"

// EndToEnd is the 10th percentile of output tokens / end-to-end latency over requests, in tokens/s: that of the
// export, else of the records if they were read.
func (m Measurement) EndToEnd() (float64, error) {
	p10, err := m.Value(endToEnd, "p10")
	if _, missing := errors.AsType[*MissingError](err); !missing {
		return p10, err
	}
	r := m.records
	switch {
	case r == nil:
		return 0, err
	case errors.Is(r.err, errNoRecords):
		return 0, fmt.Errorf("%w, and there is no %s beside it", err, RecordsName)
	case r.err != nil:
		return 0, fmt.Errorf("%w: %w", err, r.err)
	}
	completed, err := m.Value("request_count", "avg")
	switch {
	case err != nil:
		return 0, err
	case len(r.rates) == 0 || float64(len(r.rates)) < completed:
		return 0, fmt.Errorf("%s has the output tokens and the latency of %d of %g completed requests",
			r.path, len(r.rates), completed)
	}
	return percentile(r.rates, 10), nil
}

// ReadRecords makes EndToEnd complete: it reads the records, unless the export has the number or Read has read them.
func (m *Measurement) ReadRecords() {
	if _, err := m.EndToEnd(); err != nil && m.records == nil {
		m.readRecords()
	}
}

func (m *Measurement) readRecords() {
	count := countRecords(filepath.Join(filepath.Dir(m.Path), RecordsName))
	m.records = &count
}

// percentile interpolates linearly between the two nearest ranks, as aiperf does (numpy's default). It needs a value.
func percentile(values []float64, percent float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	rank := float64(len(sorted)-1) * percent / 100
	below := int(rank)
	above := min(below+1, len(sorted)-1)
	return sorted[below] + (sorted[above]-sorted[below])*(rank-float64(below))
}
