package report

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"topobench/internal/artifacts"
)

// C02: what does not refuse a mean of repeats is listed.
func TestUnlikeSettingsOfOneLabelAreListed(t *testing.T) {
	cell := func(n int, variables artifacts.Values) artifacts.Cell {
		c := curve("aggregated", [][2]float64{{20, 90}})[0]
		c.N, c.Artifacts = n, "artifacts_"+string(rune('0'+n))
		c.Deployment.Settings, c.Deployment.Variables = artifacts.Values{"dtype": "auto"}, variables
		return c
	}
	f, err := Of([]artifacts.Cell{cell(0, artifacts.Values{}), cell(1, artifacts.Values{"CUDA_LAUNCH_BLOCKING": "1"}), cell(2, nil)}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := f.Series[0]
	if diff := cmp.Diff([]string{"CUDA_LAUNCH_BLOCKING not set (artifacts_0), 1 (artifacts_1)"}, s.Listed); diff != "" || len(s.Mixed) > 0 {
		t.Errorf("mixed %q, listed (-want +got): %s", s.Mixed, diff)
	}
	if want := "unlike settings: " + s.Listed[0]; !slices.ContainsFunc(f.Warnings, func(w string) bool { return strings.HasSuffix(w, want) }) {
		t.Errorf("no warning ends in %q: %q", want, f.Warnings)
	}
}

// C04: unlike GPUs are in the sentence itself, and GPUs that a file does not record are not unlike.
func TestUnlikeGPUsAreInTheSentence(t *testing.T) {
	for _, row := range []struct {
		why         string
		base, other artifacts.Values
		want        string // "" = nothing
	}{
		{"two models", artifacts.Values{artifacts.GPUModel: "H100"}, artifacts.Values{artifacts.GPUModel: "L40S"}, "(on unlike GPUs: GPU model L40S against H100)"},
		{"power limits", artifacts.Values{artifacts.GPUModel: "H100", artifacts.PowerLimit: "700 W"},
			artifacts.Values{artifacts.GPUModel: "H100", artifacts.PowerLimit: "500 W"}, "(on unlike GPUs: power limit 500 W against 700 W)"},
		{"the memory is listed only", artifacts.Values{"GPU memory": "80 MiB"}, artifacts.Values{"GPU memory": "40 MiB"}, ""},
		{"not recorded", nil, artifacts.Values{artifacts.GPUModel: "L40S", artifacts.PowerLimit: "500 W"}, ""},
		{"alike", artifacts.Values{artifacts.GPUModel: "H100"}, artifacts.Values{artifacts.GPUModel: "H100"}, ""},
	} {
		base, other := curve("aggregated", [][2]float64{{20, 90}, {45, 80}}), curve("disaggregated", [][2]float64{{20, 95}, {45, 85}})
		for i := range base {
			base[i].Deployment.Machine, other[i].Deployment.Machine = row.base, row.other
		}
		f, err := Of(slices.Concat(base, other), Options{})
		if err != nil || f.Comparisons[0].Measured == nil {
			t.Fatalf("%s: %v, %q", row.why, err, f.Sentences())
		}
		warned := slices.ContainsFunc(f.Warnings, func(w string) bool { return strings.Contains(w, "ran on unlike GPUs") })
		if got := f.Sentences()[0]; !strings.Contains(got, row.want) || strings.Contains(got, "unlike") != (row.want != "") || warned != (row.want != "") {
			t.Errorf("%s: %s, warnings %q", row.why, got, f.Warnings)
		}
	}
}

// Every value of a setup is in one row of the table, and every row has both effects.
func TestTheTableOfDifferencesIsClosed(t *testing.T) {
	seen := map[string]bool{}
	effects := []Effect{Refuses, Stated, Listed, Ignored}
	for _, d := range Differences() {
		for name := range strings.SplitSeq(d.Names, ",") {
			if seen[name] {
				t.Errorf("%s is in two rows", name)
			}
			seen[name] = true
		}
		if d.Why == "" || !slices.Contains(effects, d.Between) || !slices.Contains(effects, d.Within) {
			t.Errorf("an incomplete row %+v", d)
		}
	}
	for _, trait := range (Setup{}).traits() {
		if !seen[trait.name] {
			t.Errorf("%s is in no row", trait.name)
		}
	}
	for name, want := range map[string]Effect{"seed": Refuses, "engine": Refuses, "block-size": Refuses, "NCCL_DEBUG": Listed, "nginx": Listed, "power limit": Listed} {
		if got := differenceOf(name, artifacts.Values{"engine": "", "block-size": ""}).Within; got != want {
			t.Errorf("within one label %s: %s, want %s", name, got, want)
		}
	}
}
