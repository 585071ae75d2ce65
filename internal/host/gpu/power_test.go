package gpu

import (
	"context"
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
	for _, row := range []struct {
		why  string
		smi  SMI
		want []Power
	}{
		{"everything", old("0, 570.1, 500.00, 700.00\n1, 570.1, 350.50, 700.00\n", "index", "driver_version", "power.limit", "power.default_limit"),
			[]Power{{"0", "500 W", "700 W", "570.1"}, {"1", "350.5 W", "700 W", "570.1"}}},
		{"a device without limits", old("0, 570.1, [N/A], [Not Supported]\n", "index", "driver_version", "power.limit", "power.default_limit"),
			[]Power{{"0", "", "", "570.1"}}},
		{"no default limit", old("0, 400.1, 300.00", "index", "driver_version", "power.limit"), []Power{{"0", "300 W", "", "400.1"}}},
		{"no limits at all", old("0, 400.1", "index", "driver_version"), []Power{{"0", "", "", "400.1"}}},
		{"none of the fields", old(""), nil},
		{"an empty answer", old("", "index", "driver_version", "power.limit", "power.default_limit"), nil},
		{"lines of another query", old(h100, "index", "driver_version", "power.limit", "power.default_limit"), nil},
		{"a whole number", old("0, 1, 700, 700", "index", "driver_version", "power.limit", "power.default_limit"), []Power{{"0", "700 W", "700 W", "1"}}},
	} {
		if diff := cmp.Diff(row.want, row.smi.Power(t.Context())); diff != "" {
			t.Errorf("%s (-want +got):\n%s", row.why, diff)
		}
	}
}
