package report

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"topobench/internal/artifacts"
)

// campaigned is a campaign of launches of one label, each with a factor on y.
func campaigned(t *testing.T, from string, factors ...float64) Campaign {
	t.Helper()
	return campaignOf(t, from, sided(factors...), nil)
}

func sided(factors ...float64) (cells []artifacts.Cell) {
	base := curve("aggregated", [][2]float64{{20, 90}, {45, 80}, {96, 10}})
	for i, factor := range factors {
		cells = append(cells, inRound(repeat(base, i, 1, factor), i+1, "")...)
	}
	return onHost(cells, "node7")
}

func campaignOf(t *testing.T, from string, cells []artifacts.Cell, aa []AA) Campaign {
	t.Helper()
	c, err := CampaignOf(cells, from, "user", aa)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func judged(t *testing.T, base, other Campaign, terms Terms) Against {
	t.Helper()
	if terms.MaxLoss == 0 {
		terms.MaxLoss = MaxLoss
	}
	a, err := Judge(base, other, terms)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := a.JSON(&b); err != nil { // it refuses NaN
		t.Fatal(err)
	}
	return a
}

// The result follows the interval; without one, the ratio, and below the limit an A/A measurement.
func TestTheResultAgainstABaseline(t *testing.T) {
	aa := func(resolvable float64, label string) []AA {
		setup := campaigned(t, "", 1).Labels[0].series("").work()
		return []AA{{Label: label, Resolvable: resolvable, Rounds: 4, Host: "node7", Setup: setup}}
	}
	const label = "vllm_serve_aggregated"
	for _, row := range []struct {
		why         string
		base, other []float64 // factors of the launches
		known       []AA
		maxLoss     float64
		want        Result
		end         string
	}{
		{"C01 equal", []float64{1, 1.01}, []float64{1.01, 1}, nil, 0.05, NotWorse, "): not worse than the baseline by more than 5 %"},
		{"C02 the whole interval is below", []float64{1, 1.01, 1}, []float64{0.8, 0.81, 0.8}, nil, 0, WorseThan, "): worse than the baseline by more than 3 %"},
		{"C03 the interval has the limit", []float64{1, 1.01}, []float64{0.97, 0.96}, nil, 0, Undecided, "): inconclusive: 0.97 is within the interval; more rounds make it narrower (run --repeats)"},
		{"C04 a larger loss is allowed", []float64{1, 1.01, 1}, []float64{0.8, 0.81, 0.8}, nil, 0.3, NotWorse, "by more than 30 %"},
		{"C05 one launch a side, equal", []float64{1}, []float64{0.98}, nil, 0, NotWorse, "(1 launch a side: no interval; shared range 20.0 to 96.0 tok/s/user; interpolated): not worse than the baseline by more than 3 %"},
		{"C06 one launch a side, below", []float64{1}, []float64{0.9}, nil, 0, Undecided, "): one launch: not separable from noise; more launches of both sides give an interval (run --repeats)"},
		{"C07 one launch on one side, below", []float64{1, 1.01}, []float64{0.9}, nil, 0, Undecided, "): one launch: not separable from noise; more launches of both sides give an interval (run --repeats)"},
		{"C08 an A/A resolves it", []float64{1}, []float64{0.9}, aa(0.02, label), 0, WorseThan, "): worse than the baseline by more than 3 %: the A/A of " + label + " on this node resolves 4 % between so few launches"},
		{"C09 an A/A does not", []float64{1}, []float64{0.9}, aa(0.06, label), 0, Undecided, "): one launch: not separable from noise: the A/A of " + label + " on this node resolves 12 % between so few launches"},
		{"C10 an A/A of another label", []float64{1}, []float64{0.9}, aa(0.02, "other"), 0, Undecided, "): one launch: not separable from noise; more launches of both sides give an interval (run --repeats)"},
		{"C11 an A/A does not replace an interval", []float64{1, 1.01}, []float64{0.97, 0.96}, aa(0.001, label), 0, Undecided, "more rounds make it narrower (run --repeats)"},
		{"C12 above", []float64{1, 1.01}, []float64{1.5, 1.51}, nil, 0, NotWorse, "by more than 3 %"},
		{"C13 exactly the limit", []float64{1}, []float64{0.75}, nil, 0.25, NotWorse, "by more than 25 %"},
		{"C15 an A/A of one round", []float64{1}, []float64{0.9}, []AA{{Label: label, Host: "node7", Setup: aa(0, label)[0].Setup}}, 0, Undecided, "give an interval (run --repeats)"},
		{"C16 the ratio is above, and the interval has the limit", []float64{1, 1.02}, []float64{0.98, 1.03}, nil, 0, Undecided, "(run --repeats)"},
		{"C14 far apart", []float64{1, 1e300}, []float64{1, 1}, nil, 0, Undecided, ""},
	} {
		base := campaignOf(t, "old", sided(row.base...), row.known)
		a := judged(t, base, campaigned(t, "new", row.other...), Terms{MaxLoss: row.maxLoss})
		pair := a.Labels[0]
		if a.Result != row.want || pair.Result != row.want || !strings.HasSuffix(pair.Sentence, row.end) {
			t.Errorf("%s: got %s, %s\nwant %s ... %s", row.why, a.Result, pair.Sentence, row.want, row.end)
		}
		if several := min(len(row.base), len(row.other)) > 1; several != (pair.RatioLow != nil) && row.why[:3] != "C14" {
			t.Errorf("%s: interval from %v", row.why, pair.RatioLow)
		}
	}
}

// Rounds of two campaigns are not paired: each round number is another day.
func TestRoundsOfTwoCampaignsAreNoPairs(t *testing.T) {
	p := judged(t, campaigned(t, "old", 1, 1.1, 1.2), campaigned(t, "new", 1, 1.1, 1.2), Terms{}).Labels[0]
	if math.Abs(*p.Ratio-1) > 1e-12 || *p.RatioHigh-*p.RatioLow < 0.1 {
		t.Errorf("got %g (%g to %g): pairs would have no spread", *p.Ratio, *p.RatioLow, *p.RatioHigh)
	}
	if want := "95 % interval 0.81 to 1.23, 3 of 3 launches against 3 of 3; shared range"; !strings.Contains(p.Sentence, want) {
		t.Errorf("got %s, want %s", p.Sentence, want)
	}
	if want := [2]Count{{3, 3}, {3, 3}}; p.Launches != want {
		t.Errorf("got %v", p.Launches)
	}
}

func TestTheReadingIsAtAtOrInTheMiddle(t *testing.T) {
	base, other := campaigned(t, "old", 1), campaigned(t, "new", 1)
	x, far := 45.0, 97.0
	if p := judged(t, base, other, Terms{}).Labels[0]; *p.At != 58 {
		t.Errorf("got %g, want the middle of 20 to 96", *p.At)
	}
	if p := judged(t, base, other, Terms{At: &x}).Labels[0]; *p.At != 45 || *p.Baseline != 80 || *p.Other != 80 {
		t.Errorf("got %g, %g against %g", *p.At, *p.Other, *p.Baseline)
	}
	if p := judged(t, base, other, Terms{At: &far}).Labels[0]; p.Result != NotCompared || !strings.Contains(p.Sentence, "97 tok/s/user is not within both") {
		t.Errorf("got %s, %s", p.Result, p.Sentence)
	}
}

// Labels are matched by name; the worst decides, and a label that has vanished is no pass.
func TestLabelsAreMatchedByName(t *testing.T) {
	both := func(agg, disagg float64) []artifacts.Cell {
		other := curve("disaggregated", [][2]float64{{20, 190}, {45, 180}, {96, 30}})
		return append(sided(agg), onHost(repeat(other, 1, 1, disagg), "node7")...)
	}
	renamed := both(1, 1)
	for i := range renamed {
		renamed[i].Deployment.Kind = "new"
	}
	const agg, disagg = "vllm_serve_aggregated", "dynamo_vllm_disaggregated"
	for _, row := range []struct {
		why         string
		base, other []artifacts.Cell
		terms       Terms
		want        map[string]Result
		all         Result
		added, left []string
	}{
		{"all", both(1, 1), both(1, 1), Terms{}, map[string]Result{agg: NotWorse, disagg: NotWorse}, NotWorse, []string{}, []string{}},
		{"one is worse", both(1, 1), both(1, 0.9), Terms{}, map[string]Result{agg: NotWorse, disagg: Undecided}, Undecided, []string{}, []string{}},
		{"one is gone", both(1, 1), sided(1), Terms{}, map[string]Result{agg: NotWorse, disagg: NotCompared}, NotCompared, []string{}, []string{}},
		{"the one that is left", both(1, 1), sided(1), Terms{Only: []string{agg}}, map[string]Result{agg: NotWorse}, NotWorse, []string{}, []string{disagg}},
		{"a further one", sided(1), both(1, 1), Terms{}, map[string]Result{agg: NotWorse}, NotWorse, []string{disagg}, []string{}},
		{"other names", both(1, 1), renamed, Terms{As: map[string]string{agg: "new_aggregated", disagg: "new_disaggregated"}},
			map[string]Result{"new_aggregated": NotWorse, "new_disaggregated": NotWorse}, NotWorse, []string{}, []string{}},
		{"none", sided(1), nil, Terms{}, map[string]Result{agg: NotCompared}, NotCompared, []string{}, []string{}},
		{"no baseline", nil, sided(1), Terms{}, map[string]Result{}, NotCompared, []string{agg}, []string{}},
	} {
		a := judged(t, campaignOf(t, "old", row.base, nil), campaignOf(t, "new", row.other, nil), row.terms)
		got := map[string]Result{}
		for _, p := range a.Labels {
			got[p.Label] = p.Result
		}
		if diff := cmp.Diff(row.want, got); diff != "" || a.Result != row.all || !slices.Equal(a.New, row.added) || !slices.Equal(a.Left, row.left) {
			t.Errorf("%s: %s; new %q, left %q; (-want +got):\n%s", row.why, a.Result, a.New, a.Left, diff)
		}
	}
	_, err := Judge(campaignOf(t, "old", both(1, 1), nil), campaignOf(t, "new", sided(1), nil),
		Terms{As: map[string]string{"typo": agg, agg: "slip"}, Only: []string{"lapse"}})
	for _, want := range []string{"old has no label typo, but " + agg + ", " + disagg, "new has no label slip, but " + agg, "--only lapse: old has"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestTheWorstDecides(t *testing.T) {
	order := []Result{NotWorse, Undecided, NotCompared, WorseThan}
	for i, a := range order {
		for j, b := range order {
			if got := worst(a, b); got != order[max(i, j)] {
				t.Errorf("%s and %s: got %s", a, b, got)
			}
		}
	}
}

// Both arms of an A/A measurement, and launches of several runs, are launches of one label.
func TestArmsAreLaunchesOfOneLabel(t *testing.T) {
	c := campaignOf(t, "aa", aaCells(1, 1.01), nil)
	if len(c.Labels) != 1 || len(c.Labels[0].Launches) != 4 || c.Labels[0].Label != "vllm_serve_aggregated" {
		t.Fatalf("got %+v", c.Labels)
	}
	if p := judged(t, c, c, Terms{}).Labels[0]; p.Launches != [2]Count{{4, 4}, {4, 4}} {
		t.Errorf("got %v", p.Launches)
	}
}

func TestOtherWorkIsNotCompared(t *testing.T) {
	longer := sided(1)
	for i := range longer {
		longer[i].Deployment.ISL = 300
	}
	a := judged(t, campaigned(t, "old", 1), campaignOf(t, "new", longer, nil), Terms{})
	if a.Result != NotCompared || !strings.Contains(a.Labels[0].Sentence, "vllm_serve_aggregated (baseline): different loads: isl 300 against") {
		t.Errorf("got %s, %s", a.Result, a.Labels[0].Sentence)
	}
	mixed := sided(1, 1)
	for i := range mixed {
		mixed[i].Deployment.ISL = mixed[i].N
	}
	c := campaignOf(t, "new", mixed, nil)
	if a := judged(t, campaigned(t, "old", 1), c, Terms{}); a.Result != NotCompared || c.Measured() {
		t.Errorf("got %s, %s", a.Result, a.Labels[0].Sentence)
	}
}

func TestSetupsThatDifferAreNamed(t *testing.T) {
	on := func(driver string, cells []artifacts.Cell) []artifacts.Cell {
		for i := range cells {
			d := &cells[i].Deployment
			d.TP, d.DP, d.Settings = 1, 2, artifacts.Values{"engine": "vllm"}
			d.Programs, d.Variables = artifacts.Values{"vLLM": "0." + driver}, artifacts.Values{}
			d.Machine = artifacts.Values{"host": "node7", "driver": driver, artifacts.GPUModel: "NVIDIA H100"}
		}
		return cells
	}
	base := campaignOf(t, "old", on("550", sided(1, 1)), nil)
	if a := judged(t, base, base, Terms{}); len(a.Labels[0].Differ) > 0 || a.Differences() != "setup of vllm_serve_aggregated: no recorded value differs\n" {
		t.Errorf("got %+v\n%s", a.Labels[0].Differ, a.Differences())
	}
	cells := on("560", sided(1, 1))
	for i := range cells {
		d := &cells[i].Deployment
		d.DP, cells[i].GPUs = 4, 4
		d.Settings = artifacts.Values{"engine": "vllm", "max-num-seqs": "16", "compilation-config": strings.Repeat("{x} ", 60)}
		d.Machine[artifacts.GPUModel] = "NVIDIA L40S\x1b[31m"
	}
	a := judged(t, base, campaignOf(t, "new", cells, nil), Terms{})
	want := []Unlike{{"gpus", "2", "4"}, {"GPU model", "NVIDIA H100", "NVIDIA L40S"}, {"compilation-config", "default", strings.Repeat("{x} ", 60)},
		{"driver", "550", "560"}, {"max-num-seqs", "default", "16"}, {"parallelism", "1 x 2", "1 x 4"}, {"vLLM", "0.550", "0.560"}}
	if diff := cmp.Diff(want, a.Labels[0].Differ); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	table := a.Differences()
	for line := range strings.Lines(table) {
		if len([]rune(strings.TrimRight(line, "\n"))) > 80 || strings.Contains(line, "\x1b") {
			t.Errorf("got %q", line)
		}
	}
	if !strings.HasPrefix(table, "setup of vllm_serve_aggregated: what differs\n  name ") || !strings.Contains(a.Labels[0].Sentence, "(on unlike GPUs: GPU model NVIDIA L40S against NVIDIA H100)") {
		t.Errorf("got\n%s%s", table, a.Labels[0].Sentence)
	}
}

// Launches of one side may differ: each value is named once.
func TestASideWithTwoValuesOfOneSetup(t *testing.T) {
	limits := func(watts ...string) Campaign {
		cells := sided(1, 1)
		for i := range cells {
			cells[i].Deployment.Machine = artifacts.Values{"host": "node7", artifacts.PowerLimit: watts[cells[i].N]}
		}
		return campaignOf(t, "root", cells, nil)
	}
	both := limits("700 W", "500 W")
	want := []Unlike{{artifacts.PowerLimit, "700 W", "700 W or 500 W"}}
	if diff := cmp.Diff(want, judged(t, limits("700 W", "700 W"), both, Terms{}).Labels[0].Differ); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := judged(t, both, limits("500 W", "700 W"), Terms{}).Labels[0].Differ; len(got) > 0 {
		t.Errorf("the same values in another order: %v", got)
	}
}

// A saved campaign gives the numbers of its root, to the last bit.
func TestASavedBaselineIsItsRoot(t *testing.T) {
	path := filepath.Join(t.TempDir(), BaselineName)
	aa := facts(t, aaCells(1, 1.01, 0.99, 1), Options{}).AA()
	base := campaignOf(t, "old", lose(sided(1, 1.03, 1.0/3, 1), 2), aa)
	if err := base.Save(path); err != nil {
		t.Fatal(err)
	}
	saved, err := ReadCampaign(path)
	if err != nil {
		t.Fatal(err)
	}
	other := campaigned(t, "new", 0.97, 0.99, 1)
	if diff := cmp.Diff(judged(t, base, other, Terms{}), judged(t, saved, other, Terms{}), cmp.AllowUnexported(Pair{})); diff != "" {
		t.Errorf("(-root +saved):\n%s", diff)
	}
	if got := judged(t, saved, other, Terms{}).Labels[0].Launches; got != [2]Count{{3, 4}, {3, 3}} {
		t.Errorf("got %v", got)
	}
	if err := base.Save(path); err != nil {
		t.Errorf("a baseline replaces another: %v", err)
	}
	for content, want := range map[string]string{"{": "cannot read the baseline", `{"labels": []}`: "it has no schema", `{"schema": 99}`: "use a newer one",
		`{"schema": 1}`: "no series"} {
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadCampaign(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", content, err)
		}
		if err := base.Save(path); err == nil || !strings.Contains(err.Error(), "no saved baseline") {
			t.Errorf("%s was replaced: %v", content, err)
		}
	}
	if _, err := ReadCampaign(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("no file is no baseline")
	}
	var keys map[string]json.RawMessage
	data, err := json.Marshal(base)
	if err == nil {
		err = json.Unmarshal(data, &keys)
	}
	if err != nil || string(keys["schema"]) != "1" {
		t.Errorf("got %s, %v", keys["schema"], err)
	}
}

func TestAxesOfBothSidesAreOne(t *testing.T) {
	base, other := campaigned(t, "old", 1), campaigned(t, "new", 1)
	base.X = "e2e"
	if _, err := Judge(base, other, Terms{MaxLoss: MaxLoss}); err == nil || !strings.Contains(err.Error(), "points of --x e2e (old) with points of --x user (new)") {
		t.Errorf("got %v", err)
	}
}

func TestMarkdownOfAComparison(t *testing.T) {
	cells := simulate(sided(1, 1.01), true)
	for i := range cells {
		cells[i].Deployment.Kind = "a|b*\x1b[31m"
	}
	base := campaignOf(t, "old", cells, nil)
	got := judged(t, base, base, Terms{}).Markdown()
	lines := strings.Split(got, "\n")
	want := `| simulated: a\|b\*_aggregated | 58.0 | 68.8 | 68.8 | 1.00x | 0.97 to 1.03 | 2 of 2 against 2 of 2 | not worse |`
	if len(lines) != 3 || lines[2] != want || strings.Count(lines[0], "|") != strings.Count(lines[1], "|") || strings.Count(lines[0], "|") != 9 {
		t.Errorf("got\n%s\nwant the line\n%s", got, want)
	}
	none := judged(t, base, campaigned(t, "new", 1), Terms{}).Markdown()
	if !strings.HasSuffix(none, " | - | - | - | - | - | - | not compared |") {
		t.Errorf("got\n%s", none)
	}
}
