package gpu

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// old is an nvidia-smi that has the fields of a list and no others; an empty answer for them is possible.
func old(text string, fields ...string) SMI {
	return SMI{Run: func(_ context.Context, args ...string) (string, int, error) {
		for field := range strings.SplitSeq(strings.TrimPrefix(args[0], "--query-gpu="), ",") {
			if !strings.Contains(" "+strings.Join(fields, " ")+" ", " "+field+" ") {
				return "Field \"" + field + "\" is not a valid field to query.\n", 2, nil
			}
		}
		return text, 0, nil
	}}
}

func TestPower(t *testing.T) {
	all := []string{"index", "driver_version", "power.limit", "power.default_limit", "clocks.sm", "clocks.max.sm"}
	for _, row := range []struct {
		why  string
		smi  SMI
		want []Power
	}{
		{"everything", old("0, 570.1, 500.00, 700.00, 345, 1980\n1, 570.1, 350.50, 700.00, 1980, 1980\n", all...),
			[]Power{{"0", "570.1", "345 MHz", "1980 MHz", "500 W", "700 W"}, {"1", "570.1", "1980 MHz", "1980 MHz", "350.5 W", "700 W"}}},
		{"a device without limits", old("0, 570.1, [N/A], [Not Supported], 345, 1980\n", all...),
			[]Power{{"0", "570.1", "345 MHz", "1980 MHz", "", ""}}},
		{"no clocks", old("0, 400.1, 300.00, 350.00", all[:4]...), []Power{{"0", "400.1", "", "", "300 W", "350 W"}}},
		{"no default limit", old("0, 400.1, 300.00", all[:3]...), []Power{{"0", "400.1", "", "", "300 W", ""}}},
		{"no limits at all", old("0, 400.1", all[:2]...), []Power{{"0", "400.1", "", "", "", ""}}},
		{"none of the fields", old(""), nil},
		{"an empty answer", old("", all...), nil},
		{"lines of another query", old(h100, all...), nil},
		{"a whole number", old("0, 1, 700, 700, 2, 3", all...), []Power{{"0", "1", "2 MHz", "3 MHz", "700 W", "700 W"}}},
	} {
		if diff := cmp.Diff(row.want, row.smi.Power(t.Context())); diff != "" {
			t.Errorf("%s (-want +got):\n%s", row.why, diff)
		}
	}
}

func TestLinks(t *testing.T) {
	broken := errors.New("broken")
	for _, row := range []struct {
		code       int
		err        error
		want, lack string
	}{{0, nil, "GPU0", ""}, {1, nil, "", "exit 1"}, {0, broken, "", "broken"}} {
		smi := SMI{Run: func(context.Context, ...string) (string, int, error) { return "GPU0", row.code, row.err }}
		got, err := smi.Links(t.Context())
		if got != row.want || (err == nil) != (row.lack == "") || err != nil && !strings.Contains(err.Error(), row.lack) {
			t.Errorf("exit %d, %v: got %q, %v", row.code, row.err, got, err)
		}
	}
}
