package slo

import (
	"slices"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		"":                              "",
		"ttft_p90=500ms":                "ttft_p90=500ms",
		" itl_p90=25ms , ttft_avg=1.5s": "ttft_avg=1500ms,itl_p90=25ms",
		"e2e_p99=1.005s,e2e_p50=0.25ms": "e2e_p50=0.25ms,e2e_p99=1005ms",
		"ttft_p99=1s,ttft_p95=1s":       "ttft_p95=1000ms,ttft_p99=1000ms",
	} {
		got, faults := Parse(text)
		if got.String() != want || len(faults) > 0 {
			t.Errorf("%q: %q, %v, want %q", text, got, faults, want)
		}
		if back, _ := Parse(want); !slices.Equal(got, back) {
			t.Errorf("%q reads back as %v", want, back)
		}
	}
}

// All faults of one text come at once.
func TestParseFaults(t *testing.T) {
	for text, count := range map[string]int{
		"ttlt_p90=500ms":  1, // no such metric
		"ttft_p91=500ms":  1, // no such statistic
		"ttft=500ms":      1,
		"ttft_p90":        1,
		"ttft_p90=":       1,
		"ttft_p90=500":    1, // no unit
		"ttft_p90=ms":     1,
		"ttft_p90=s":      1,
		"ttft_p90=0ms":    1,
		"ttft_p90=-1s":    1,
		"ttft_p90=1m":     1,
		"ttft_p90=500us":  1,
		"ttft_p90=NaNms":  1,
		"ttft_p90=1e3ms":  1,
		"ttft_p90=1.2.3s": 1,
		"ttft_p90=" + strings.Repeat("9", 400) + "s": 1,
		"ttft_p90=1s,":                     1,
		"ttft_p90=1s,ttft_p90=2s":          1,
		"tpot_p90=1s,itl_p90=5,e2e_max=1s": 3,
	} {
		if _, faults := Parse(text); len(faults) != count {
			t.Errorf("%q: %d faults, want %d: %v", text, len(faults), count, faults)
		}
	}
}

func TestJudge(t *testing.T) {
	targets, _ := Parse("ttft_p90=500ms,itl_p99=25ms")
	for _, row := range []struct {
		why       string
		ttft, itl float64 // -1: no number
		want      State
		text      string
	}{
		{"both are kept", 400, 20, Within, ""},
		{"a limit itself is kept", 500, 25, Within, ""},
		{"one is missed", 400, 25.5, Outside, "outside the SLO: itl_p99 25.5 ms"},
		{"one is missed, the other has no number", 812.25, -1, Outside, "outside the SLO: ttft_p90 812.25 ms"},
		{"one has no number", 400, -1, NotJudged, "SLO not judged: itl_p99"},
	} {
		got := targets.Judge(func(target Target) (float64, int) {
			v := map[string]float64{"ttft": row.ttft, "itl": row.itl}[target.Metric]
			if v < 0 {
				return v, 0
			}
			return v, 1
		})
		if got.State != row.want || got.String() != row.text {
			t.Errorf("%s: %+v, %q", row.why, got, got)
		}
	}
	of3 := targets.Judge(func(Target) (float64, int) { return 501, 3 })
	if got := of3.String(); got != "outside the SLO: ttft_p90 501 ms (mean of 3), itl_p99 501 ms (mean of 3)" {
		t.Errorf("a mean: %s", got)
	}
	if none := (Targets{}).Judge(nil); none.State != "" || none.String() != "" {
		t.Errorf("without an SLO: %+v", none)
	}
}

func TestLeastRequestsOfATarget(t *testing.T) {
	for stat, want := range map[string]int{"avg": 1, "p50": 2, "p90": 10, "p95": 20, "p99": 100} {
		if got := (Target{Stat: stat}).Requests(); got != want {
			t.Errorf("%s needs %d requests, want %d", stat, got, want)
		}
	}
}

// Only two neighbours that were both measured and are outside leave levels out.
func TestBeyond(t *testing.T) {
	for _, row := range []struct {
		why            string
		levels         []int
		outside, other []int
		want           []int
	}{
		{"two in a row", []int{1, 2, 4, 8, 16}, []int{2, 4}, []int{1}, []int{8, 16}},
		{"one", []int{1, 2, 4}, []int{2}, []int{1}, nil},
		{"two that are no neighbours", []int{1, 2, 4, 8}, []int{1, 4}, []int{2}, nil},
		{"one between them is not measured", []int{1, 2, 4, 8}, []int{1, 4}, nil, nil},
		{"the last two", []int{1, 2, 4}, []int{2, 4}, []int{1}, []int{}},
		{"in falling order", []int{8, 4, 2, 1}, []int{8, 4}, nil, []int{}},
		{"in no order", []int{8, 1, 4, 2}, []int{1, 2}, nil, []int{4, 8}},
	} {
		states := map[int]State{}
		for _, c := range row.outside {
			states[c] = Outside
		}
		for _, c := range row.other {
			states[c] = Within
		}
		if got := Beyond(row.levels, states); !slices.Equal(got, row.want) {
			t.Errorf("%s: %v, want %v", row.why, got, row.want)
		}
	}
}
