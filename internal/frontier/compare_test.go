package frontier

import (
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestCompareReadsTheGuidesRatio is the guide's claim: at 45 tokens/s/user,
// 145 against 80 tokens/s/GPU.
func TestCompareReadsTheGuidesRatio(t *testing.T) {
	at := 45.0
	got, err := Compare(curve(t, Point{30, 120}, Point{45, 80}, Point{60, 20}), curve(t, Point{40, 160}, Point{45, 145}, Point{80, 60}), &at)
	if err != nil {
		t.Fatal(err)
	}
	want := Comparison{At: 45, Baseline: 80, Other: 145, Diff: 65, Ratio: 1.8125, Lo: 40, Hi: 60}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}
	if text := fmt.Sprintf("%.2fx", got.Ratio); text != "1.81x" {
		t.Errorf("got %s, want 1.81x", text)
	}
}

func TestCompareTakesTheMiddleOfTheSharedRange(t *testing.T) {
	got, err := Compare(curve(t, Point{0, 100}, Point{50, 50}), curve(t, Point{30, 120}, Point{90, 60}), nil)
	if err != nil || got.At != 40 || got.Lo != 30 || got.Hi != 50 {
		t.Errorf("got %+v, %v, want 40 of 30 to 50", got, err)
	}
	if math.Abs(got.Ratio-110.0/60) > 1e-9 {
		t.Errorf("got ratio %g, want %g", got.Ratio, 110.0/60)
	}
}

func TestCompareGivesTheReasonForNoRatio(t *testing.T) {
	wide := []Point{{0, 100}, {100, 10}}
	at := func(x float64) *float64 { return &x }
	rows := []struct {
		sentence        string
		baseline, other []Point
		at              *float64
		want            string
	}{
		{"nothing shared", wide, []Point{{150, 9}, {200, 5}}, nil,
			"cannot compare: the frontiers share no x: the baseline reaches from 0 to 100, the other from 150 to 200 tokens/s/user"},
		{"nothing shared, whatever x is given", wide, []Point{{150, 9}, {200, 5}}, at(50),
			"cannot compare: the frontiers share no x: the baseline reaches from 0 to 100, the other from 150 to 200 tokens/s/user"},
		{"an x outside of one", wide, []Point{{50, 90}, {200, 5}}, at(40),
			"cannot compare: 40 tokens/s/user is not on both frontiers: the baseline reaches from 0 to 100, the other from 50 to 200 tokens/s/user"},
		{"an x that is NaN", wide, wide, at(math.NaN()),
			"cannot compare: NaN tokens/s/user is not on both frontiers: the baseline reaches from 0 to 100, the other from 0 to 100 tokens/s/user"},
		{"a thin overlap", wide, []Point{{95, 90}, {195, 5}}, nil,
			"cannot compare: the frontiers share only 95 to 100 tokens/s/user, 5.0 % of the narrower frontier (at least 10 % are needed); measure concurrencies at which both reach the same tokens/s/user"},
		{"they only touch", wide, []Point{{100, 90}, {200, 5}}, nil,
			"cannot compare: the frontiers share only 100 to 100 tokens/s/user, 0.0 % of the narrower frontier (at least 10 % are needed); measure concurrencies at which both reach the same tokens/s/user"},
		{"the whole of one, within what two runs differ by", wide, []Point{{50, 90}, {50.4, 5}}, nil,
			"cannot compare: the frontiers share only 50 to 50.4 tokens/s/user, a range 0.8 % wide, less than the 1 % by which two runs of one topology differ; measure concurrencies at which both reach the same tokens/s/user"},
		{"a baseline of 0", []Point{{0, 9}, {10, 0}}, wide, at(10), ErrZeroBaseline.Error()},
	}
	for _, row := range rows {
		_, err := Compare(curve(t, row.baseline...), curve(t, row.other...), row.at)
		if err == nil || err.Error() != row.want {
			t.Errorf("%s:\n got %v\nwant %s", row.sentence, err, row.want)
		}
	}
}

// An x that is named does not widen a range that two runs of one topology differ by.
func TestCompareAtAGivenXObeysTheSameLimits(t *testing.T) {
	wide := []Point{{0, 100}, {100, 10}}
	for _, row := range []struct {
		why   string
		other []Point
		at    float64
		thin  bool
	}{
		{"a thin overlap", []Point{{95, 90}, {195, 5}}, 97, true},
		{"the whole of one, within what two runs differ by", []Point{{50, 90}, {50.4, 5}}, 50.2, true},
		{"wide enough", []Point{{40, 90}, {195, 5}}, 97, false},
	} {
		for _, at := range []*float64{nil, &row.at} {
			c, err := Compare(curve(t, wide...), curve(t, row.other...), at)
			if _, thin := errors.AsType[*ThinOverlapError](err); thin != row.thin || c.Ratio <= 0 {
				t.Errorf("%s, at %v: got %+v, %v, want numbers, and beside them an error: %t", row.why, at, c, err, row.thin)
			}
		}
	}
}

func TestCompareTakesASinglePointWhole(t *testing.T) {
	got, err := Compare(curve(t, Point{0, 100}, Point{100, 20}), curve(t, Point{50, 90}), nil)
	if err != nil || got.Ratio != 1.5 {
		t.Errorf("got %+v, %v, want 1.5 at 50", got, err)
	}
}
