package aiperf

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Long prompts take longer than aiperf's own 300 s, and aiperf refuses a configuration that is shorter than its dataset.
func TestC17LimitsFollowTheLoad(t *testing.T) {
	for _, row := range []struct {
		why  string
		load Load
		want string // dataset, profile, connections
	}{
		{"a small load has aiperf's own", Load{ISL: 300, OSL: 50, Concurrency: []int{1, 8}}, "301 602 2500"},
		{"the guide's", Load{ISL: 3000, OSL: 150, Concurrency: []int{256, 1}}, "760 1520 2500"},
		{"long prompts", Load{ISL: 100_000, Concurrency: []int{64}}, "4140 8280 2500"},
		{"more connections than aiperf has", Load{ISL: 300, Concurrency: []int{4096}}, "1037 2074 4096"},
		{"aiperf refuses more than 100,000 s", Load{ISL: 1_000_000, Concurrency: []int{4096}}, "50000 100000 4096"},
	} {
		env := row.load.LimitVariables()
		got := strings.Join([]string{value(env, datasetReady), value(env, profileReady), value(env, connectionsAtMax)}, " ")
		if got != row.want {
			t.Errorf("%s: %s, want %s", row.why, got, row.want)
		}
	}
}

func TestC17TheCallersLimitsWin(t *testing.T) {
	ours := []string{"A=1", datasetReady + "=300", profileReady + "=600", "TERM=dumb"}
	for _, row := range []struct {
		why          string
		caller, want []string
	}{
		{"none", []string{"PATH=/bin"}, ours},
		{"a longer dataset takes the configuration with it", []string{datasetReady + "=1800"},
			[]string{"A=1", "TERM=dumb", datasetReady + "=1800", profileReady + "=1800"}},
		{"a shorter configuration takes the dataset with it", []string{profileReady + "=60"},
			[]string{"A=1", "TERM=dumb", profileReady + "=60", datasetReady + "=60"}},
		{"both: aiperf judges them", []string{datasetReady + "=1800", profileReady + "=60"},
			[]string{"A=1", "TERM=dumb", datasetReady + "=1800", profileReady + "=60"}},
		{"another of aiperf's", []string{"AIPERF_X=1"}, append(slices.Clone(ours), "AIPERF_X=1")},
	} {
		if diff := cmp.Diff(row.want, Environ(ours, row.caller)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", row.why, diff)
		}
	}
}

func TestC10ALimitOnConnectionsIsRefused(t *testing.T) {
	l := Load{Concurrency: []int{1, 16}}
	for text, refused := range map[string]bool{"": false, "4": true, "15": true, "16": false, "2500": false, "nonsense": false} {
		err := l.CheckConnections([]string{connectionsAtMax + "=" + text})
		if (err != nil) != refused || refused && (!strings.Contains(err.Error(), text) || !strings.Contains(err.Error(), "16 requests")) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestALongBodyIsRefusedByNumber(t *testing.T) {
	for isl, refused := range map[int]bool{3000: false, 200_000: false, 230_000: true} {
		err := Load{ISL: isl}.CheckBody(1<<20, "nginx", "set balancer.config to tuned")
		if (err != nil) != refused {
			t.Errorf("%d: %v", isl, err)
		}
	}
	if err := (Load{ISL: 1_000_000}).CheckBody(0, "nginx", ""); err != nil {
		t.Errorf("no limit: %v", err)
	}
}
