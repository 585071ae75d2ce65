package chart

import (
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAxis(t *testing.T) {
	for _, row := range []struct {
		why    string
		values []float64
		want   []string
	}{
		{"an axis near zero starts at zero", []float64{12, 158}, []string{"0", "20", "40", "60", "80", "100", "120", "140", "160"}},
		{"an axis far from zero does not", []float64{187, 199}, []string{"188", "190", "192", "194", "196", "198"}},
		{"tenths print as tenths", []float64{0, 0.8}, []string{"0.0", "0.1", "0.2", "0.3", "0.4", "0.5", "0.6", "0.7", "0.8"}},
		{"one value is in the middle", []float64{5}, []string{"4.6", "4.8", "5.0", "5.2", "5.4"}},
		{"a million is written out", []float64{0, 1e6}, []string{"0", "200000", "400000", "600000", "800000", "1000000"}},
		{"more is not", []float64{0, 4e9}, []string{"0", "5e+08", "1e+09", "1.5e+09", "2e+09", "2.5e+09", "3e+09", "3.5e+09", "4e+09"}},
		{"no values", nil, []string{"0.0", "0.2", "0.4", "0.6", "0.8", "1.0"}},
		{"zeros", []float64{0, 0}, []string{"0.0", "0.2", "0.4", "0.6", "0.8", "1.0"}},
		{"negative values", []float64{-3, 3}, []string{"-3", "-2", "-1", "0", "1", "2", "3"}},
	} {
		var got []string
		for _, tick := range newAxis(row.values).ticks {
			got = append(got, tick.text)
		}
		if diff := cmp.Diff(row.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", row.why, diff)
		}
	}
}

func FuzzAxis(f *testing.F) {
	for _, seed := range [][2]float64{{0, 1}, {1, 1}, {1, 1 + 2e-9}, {-1e99, 1e99}, {1e-320, 2e-320}, {1e6, 1e6 + 1}, {0.1, 0.30000000000000004}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, a, b float64) {
		if !(math.Abs(a) < largest && math.Abs(b) < largest) {
			t.Skip("such a point is not drawn")
		}
		axis := newAxis([]float64{a, b})
		axis.from, axis.to = 100, 1100
		if n := len(axis.ticks); n < 3 || n > maxTicks {
			t.Errorf("%d ticks from %g to %g", n, axis.lo, axis.hi)
		}
		var texts []string
		for _, tick := range axis.ticks {
			if x := axis.at(tick.value); x < 100 || x > 1100 {
				t.Errorf("tick %s is outside, at %d", tick.text, x)
			}
			texts = append(texts, tick.text)
		}
		slices.Sort(texts)
		if len(slices.Compact(texts)) != len(axis.ticks) {
			t.Errorf("two ticks read the same: %v", axis.ticks)
		}
		for _, v := range []float64{a, b} {
			if x := axis.at(v); x < 100 || x > 1100 {
				t.Errorf("%g is outside, at %d", v, x)
			}
		}
	})
}
