package stats

import (
	"math"
	"testing"
)

func near(t *testing.T, what string, got, want, within float64) {
	t.Helper()
	if !(math.Abs(got-want) <= within) {
		t.Errorf("%s: got %g, want %g", what, got, want)
	}
}

// Quantiles of printed tables.
func TestTIsStudents(t *testing.T) {
	for degrees, want := range map[float64]float64{1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 10: 2.228, 1e6: 1.960} {
		near(t, "t", T(degrees), want, 0.001)
	}
	if !math.IsNaN(T(0)) {
		t.Error("no degree of freedom has a quantile")
	}
}

func TestPairedIsTheGeometricMean(t *testing.T) {
	r := Paired([]float64{1.5, 2, 2.5, 1.2})
	near(t, "ratio", r.Value, math.Pow(1.5*2*2.5*1.2, 0.25), 1e-12)
	near(t, "the interval is symmetric on the logarithm", r.Low*r.High, r.Value*r.Value, 1e-12)
	if !r.Bounded || r.Rounds != 4 || r.Degrees != 3 {
		t.Errorf("got %+v, want 4 rounds with 3 degrees of freedom", r)
	}
	half := math.Log(r.High / r.Value)
	near(t, "half width", half, 3.182*r.SD/2, 0.001)
	inverse := Paired([]float64{1 / 1.5, 1 / 2.0, 1 / 2.5, 1 / 1.2})
	near(t, "sides swapped", inverse.Low, 1/r.High, 1e-12)
}

func TestOneRoundHasNoInterval(t *testing.T) {
	for _, r := range []Ratio{Paired([]float64{1.5}), Unpaired([]float64{2}, []float64{3}), Unpaired([]float64{2, 2}, []float64{3})} {
		if r.Bounded || r.Outcome(0.03) != "" {
			t.Errorf("got %+v, want no interval", r)
		}
		near(t, "ratio", r.Value, 1.5, 1e-12)
	}
	if r := Paired(nil); !math.IsNaN(r.Value) {
		t.Errorf("got %+v without a round", r)
	}
}

// Welch's example by hand: logs 0, 0.02 and 0.1, 0.16, 0.1.
func TestUnpairedIsWelchs(t *testing.T) {
	r := Unpaired([]float64{1, math.Exp(0.02)}, []float64{math.Exp(0.1), math.Exp(0.16), math.Exp(0.1)})
	near(t, "mean", math.Log(r.Value), 0.12-0.01, 1e-9)
	vb, vo := 0.0002/2, 0.0012/3
	near(t, "degrees", r.Degrees, (vb+vo)*(vb+vo)/(vb*vb/1+vo*vo/2), 1e-9)
	near(t, "half width", math.Log(r.High/r.Value), T(r.Degrees)*math.Sqrt(vb+vo), 1e-9)
	if equal := Unpaired([]float64{2, 2}, []float64{3, 3}); equal.Low != equal.Value || equal.High != equal.Value {
		t.Errorf("got %+v, want an interval of width 0 where nothing varies", equal)
	}
}

func TestOutcome(t *testing.T) {
	for _, row := range []struct {
		low, high float64
		want      Outcome
	}{
		{1.74, 1.88, Better}, {0.5, 0.9, Worse}, {1.005, 1.02, SlightlyBetter}, {0.975, 0.999, SlightlyWorse},
		{0.99, 1.01, Equivalent}, {0.95, 1.01, Inconclusive}, {0.98, 1.08, Inconclusive},
		{1.01, 1.04, Better}, {1, 1.02, Equivalent}, {0.9705, 1.0295, Inconclusive}, {0.971, 1.0295, Equivalent},
	} {
		r := Ratio{Value: math.Sqrt(row.low * row.high), Low: row.low, High: row.high, Bounded: true}
		if got := r.Outcome(0.03); got != row.want {
			t.Errorf("%g to %g: got %q, want %q", row.low, row.high, got, row.want)
		}
	}
}

func TestIntervalOfASample(t *testing.T) {
	s := Summarise([]float64{10, 12, 14})
	low, high, ok := s.Interval()
	near(t, "low", low, 12-4.303*2/math.Sqrt(3), 0.001)
	near(t, "high", high, 12+4.303*2/math.Sqrt(3), 0.001)
	if cv, is := s.CV(); !ok || !is || math.Abs(cv-1.0/6) > 1e-12 {
		t.Errorf("got CV %g, %t", cv, is)
	}
	if _, _, ok := Summarise([]float64{10}).Interval(); ok {
		t.Error("one value has no interval")
	}
}

func TestSteinRounds(t *testing.T) {
	for _, row := range []struct {
		sd, precision float64
		limit, want   int
	}{
		{0, 0.03, 12, 4}, {0.01, 0.03, 12, 4}, {0.02, 0.03, 12, 6}, {0.03, 0.03, 12, 12}, {0.03, 0.03, 40, 12},
		{0.5, 0.03, 12, 12}, {1e200, 0.03, 12, 12},
	} {
		if got := SteinRounds(row.sd, row.precision, row.limit); got != row.want {
			t.Errorf("sd %g, precision %g: got %d rounds, want %d", row.sd, row.precision, got, row.want)
		}
	}
}

// The spread of later rounds does not enter the interval: the number of rounds was chosen by the first ones.
func TestSteinUsesTheFirstStage(t *testing.T) {
	first := []float64{1.1, 1.12, 1.08, 1.1}
	few, more := Stein(first), Stein(append(first, 1.5, 0.8))
	near(t, "half width", math.Log(more.High/more.Value), math.Log(few.High/few.Value)*math.Sqrt(4.0/6), 1e-9)
	if r := Stein(first[:3]); r.Bounded {
		t.Errorf("got %+v, want no interval before the end of the first stage", r)
	}
}
