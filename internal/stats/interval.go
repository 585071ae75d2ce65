package stats

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// Confidence is the level of every interval.
const Confidence = 0.95

// T is the two-sided quantile of Student's distribution at Confidence: 12.71 for one degree of freedom,
// 2.78 for four. It is NaN for less than one degree.
func T(degrees float64) float64 {
	if degrees < 1 {
		return math.NaN()
	}
	return distuv.StudentsT{Mu: 0, Sigma: 1, Nu: degrees}.Quantile((1 + Confidence) / 2)
}

// Interval is the t-interval of the mean. One value has none.
func (s Sample) Interval() (low, high float64, ok bool) {
	if s.N < 2 {
		return 0, 0, false
	}
	half := T(float64(s.N-1)) * s.SD / math.Sqrt(float64(s.N))
	return s.Mean - half, s.Mean + half, true
}

// CV is the coefficient of variation, SD / mean. One value, and a mean of 0, have none.
func (s Sample) CV() (cv float64, ok bool) {
	if s.N < 2 || s.Mean == 0 {
		return 0, false
	}
	return s.SD / math.Abs(s.Mean), true
}

// Ratio is a ratio of two throughputs over launches: the geometric mean, and its interval at Confidence,
// which is symmetric on the logarithm. Without Bounded there is no interval.
type Ratio struct {
	Value, Low, High float64
	Bounded          bool
	Rounds           int     // pairs; 0 for launches that are not paired
	SD               float64 // of the logarithms of the ratios of the pairs
	Degrees          float64 // of freedom
}

// Paired is the ratio over rounds, of the ratio of each round. It needs two rounds for an interval, and is NaN without
// a round.
func Paired(ratios []float64) Ratio {
	logs := Summarise(logarithms(ratios))
	if logs.N == 0 {
		return Ratio{Value: math.NaN()}
	}
	n := float64(logs.N)
	return interval(Ratio{Rounds: logs.N, SD: logs.SD, Degrees: n - 1}, logs.Mean, logs.SD/math.Sqrt(n))
}

// Unpaired is the ratio other / baseline of readings of launches that no round pairs: Welch's interval on the
// logarithms, with Satterthwaite's degrees of freedom (B. L. Welch, "The generalization of Student's problem when
// several different population variances are involved", Biometrika 34, 28, 1947). It needs two launches a side.
func Unpaired(baseline, other []float64) Ratio {
	b, o := Summarise(logarithms(baseline)), Summarise(logarithms(other))
	switch {
	case b.N == 0 || o.N == 0:
		return Ratio{Value: math.NaN()}
	case b.N < 2 || o.N < 2:
		return Ratio{Value: math.Exp(o.Mean - b.Mean)}
	}
	vb, vo := b.SD*b.SD/float64(b.N), o.SD*o.SD/float64(o.N)
	degrees := float64(b.N + o.N - 2) // where nothing varies
	if vb+vo > 0 {
		degrees = (vb + vo) * (vb + vo) / (vb*vb/float64(b.N-1) + vo*vo/float64(o.N-1))
	}
	return interval(Ratio{Degrees: degrees}, o.Mean-b.Mean, math.Sqrt(vb+vo))
}

// interval completes a ratio from the mean of its logarithm and the standard error of that mean.
func interval(r Ratio, mean, err float64) Ratio {
	r.Value, r.Bounded = math.Exp(mean), r.Degrees >= 1
	if r.Bounded {
		half := T(r.Degrees) * err
		r.Low, r.High = math.Exp(mean-half), math.Exp(mean+half)
	}
	return r
}

// GeometricMean is NaN without values.
func GeometricMean(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	return math.Exp(Summarise(logarithms(values)).Mean)
}

func logarithms(values []float64) []float64 {
	logs := make([]float64, len(values))
	for i, v := range values {
		logs[i] = math.Log(v)
	}
	return logs
}

// HalfWidth is the relative half width of the interval of a ratio over rounds whose logarithms have the standard
// deviation sd: 0.036 means that the interval ends 3.6 % above the ratio. An A/A measurement does not resolve
// smaller differences. It is NaN for fewer than two rounds.
func HalfWidth(sd float64, rounds int) float64 {
	return math.Exp(T(float64(rounds-1))*sd/math.Sqrt(float64(rounds))) - 1
}

// Outcome is what an interval shows about which side is better.
type Outcome string

// The outcomes. A Ratio that is not Bounded has none.
const (
	Better         Outcome = "better"
	Worse          Outcome = "worse"
	SlightlyBetter Outcome = "slightly better" // by less than the equivalence
	SlightlyWorse  Outcome = "slightly worse"
	Equivalent     Outcome = "no difference" // beyond the equivalence
	Inconclusive   Outcome = "inconclusive"
)

// Outcome judges the interval. Ratios from 1/(1+equivalence) to 1+equivalence are equal for a user.
func (r Ratio) Outcome(equivalence float64) Outcome {
	inside := r.Low >= 1/(1+equivalence) && r.High <= 1+equivalence
	switch {
	case !r.Bounded:
		return ""
	case r.Low > 1 && inside:
		return SlightlyBetter
	case r.Low > 1:
		return Better
	case r.High < 1 && inside:
		return SlightlyWorse
	case r.High < 1:
		return Worse
	case inside:
		return Equivalent
	}
	return Inconclusive
}

// FirstStage is the number of rounds after which Stein's rule fixes their number.
const FirstStage = 4

// SteinRounds is the number of rounds of Stein's two-stage rule for a half width of precision (0.03), from the standard
// deviation sd of the log ratio in the first FirstStage rounds: even, so that alternating orders cancel a drift, and at
// most limit (C. Stein, "A two-sample test for a linear hypothesis whose power is independent of the variance",
// Ann. Math. Stat. 16, 243, 1945).
func SteinRounds(sd, precision float64, limit int) int {
	root := T(FirstStage-1) * sd / math.Log1p(precision)
	rounds := int(min(float64(limit), max(FirstStage, math.Ceil(root*root)))) // the square may be too large for an int
	return min(limit, rounds+rounds%2)
}

// Stein is the ratio over all rounds with the interval of the two-stage rule: the standard deviation of the first stage
// and its degrees of freedom, the mean of all. Fewer rounds than FirstStage have no interval.
func Stein(ratios []float64) Ratio {
	if len(ratios) < FirstStage {
		r := Paired(ratios)
		return Ratio{Value: r.Value, Rounds: r.Rounds, SD: r.SD}
	}
	first, all := Summarise(logarithms(ratios[:FirstStage])), Summarise(logarithms(ratios))
	r := Ratio{Rounds: all.N, SD: first.SD, Degrees: FirstStage - 1}
	return interval(r, all.Mean, first.SD/math.Sqrt(float64(all.N)))
}
