package text

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestWrap(t *testing.T) {
	for _, row := range []struct {
		why, s string
		want   []string
	}{
		{"nothing", "", []string{"-"}},
		{"one line to the last column", "ab cd", []string{"- ab cd"}},
		{"a word more", "ab  cd\ne", []string{"- ab cd", "  e"}},
		{"characters, not bytes", "äb çd", []string{"- äb çd"}},
		{"a longer word", "abcdefgh i", []string{"- abcdefgh", "  i"}},
	} {
		if diff := cmp.Diff(row.want, Wrap(row.s, "- ", "  ", 7)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", row.why, diff)
		}
	}
}

func TestDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{30 * time.Second: "30s", 5 * time.Minute: "5m", 60 * time.Minute: "1h",
		90 * time.Second: "1m30s", 70 * time.Minute: "1h10m", 200 * time.Millisecond: "200ms"} {
		if got := Duration(d); got != want {
			t.Errorf("%v is %s, want %s", d, got, want)
		}
	}
}

func TestCount(t *testing.T) {
	for n, want := range map[int]string{0: "0 launches", 1: "1 launch", 2: "2 launches"} {
		if got := Count(n, "launch", "launches"); got != want {
			t.Errorf("%d: got %q, want %q", n, got, want)
		}
	}
}

func TestNumbers(t *testing.T) {
	for list, want := range map[string][]int{"0": {0}, "0,4-6": {0, 4, 5, 6}, "3-3": {3},
		"": nil, "gpu:4": nil, "2-1": nil, "0,": nil, "-1": nil, "0-99999999": nil} {
		got, err := Numbers(list)
		if !slices.Equal(got, want) || (err != nil) != (want == nil) {
			t.Errorf("%q: got %v, %v, want %v", list, got, err, want)
		}
	}
}
