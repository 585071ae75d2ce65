package report

import (
	"slices"
	"strings"
	"testing"

	"topobench/internal/artifacts"
	"topobench/internal/verdict"
)

func TestAnswerToPaste(t *testing.T) {
	one := curve("aggregated", [][2]float64{{40, 10}, {30, 20}, {20, 15}})
	other := repeat(curve("disaggregated", [][2]float64{{45, 15}, {25, 30}}), 1, 1, 1)
	engine := func(cells []artifacts.Cell) []artifacts.Cell {
		for i := range cells {
			cells[i].Deployment.Engine = "vllm"
		}
		return cells
	}
	command := func(cells []artifacts.Cell) []artifacts.Cell {
		for i := range cells {
			cells[i].Deployment.Engine = "command"
		}
		return cells
	}
	restarted := slices.Clone(other)
	for i := range restarted {
		restarted[i].Verdict.Checks = []verdict.Check{{Name: verdict.Relaunched, State: verdict.Note}}
	}
	for _, row := range []struct {
		why           string
		cells         []artifacts.Cell
		about         []string
		answer, paste string // the beginning and the end
	}{
		{"one series: the ends of its frontier", engine(slices.Clone(one)), []string{"vLLM 0.31.0, aiperf 0.13.0", "8 x NVIDIA H100"},
			"vllm_serve_aggregated gives 10.0 tokens/s/gpu at 40.0 tok/s/user and 20.0 at 30.0 (valid cells: 3 of 3)",
			"** (vLLM 0.31.0, aiperf 0.13.0; 8 x NVIDIA H100; 1 launch; real engine)"},
		{"one point", simulate(slices.Clone(one[:1]), true), []string{"x"},
			"simulated: vllm_serve_aggregated gives 10.0 tokens/s/gpu at 40.0 tok/s/user (valid cells: 1 of 1)", "(x; 1 launch; simulated engine)"},
		{"two series of another program's tree", slices.Concat(one, other), nil,
			"at 35.0 tok/s/user dynamo_vllm_disaggregated gives", "** (1 launch a side; engine not recorded)"},
		{"a command may be anything", command(slices.Clone(one)), []string{"x"},
			"vllm_serve_aggregated gives 10.0", "** (x; 1 launch; own command as engine)"},
		{"a command against a real engine", slices.Concat(engine(slices.Clone(one)), command(slices.Clone(other))), []string{"x"},
			"at 35.0 tok/s/user", "** (x; 1 launch a side; own command as engine of dynamo_vllm_disaggregated)"},
		{"a restart is a launch", slices.Concat(one, restarted), []string{"x"},
			"at 35.0 tok/s/user", "** (x; 1 launch of vllm_serve_aggregated, 2 launches of dynamo_vllm_disaggregated; engine not recorded)"},
		{"a failed side has no line to paste", slices.Concat(one, invalid(slices.Clone(other))), []string{"x"},
			"no number for dynamo_vllm_disaggregated against vllm_serve_aggregated: dynamo_vllm_disaggregated has no valid point " +
				"(vllm_serve_aggregated reaches 30.0 to 40.0 tok/s/user)", ""},
		{"no cell counts", invalid(slices.Clone(one)), []string{"x"}, "", ""},
	} {
		f, err := Of(row.cells, Options{})
		if err != nil {
			t.Fatal(err)
		}
		answer, paste := strings.Join(f.Answer(), "\n"), f.Markdown(row.about...)
		if !strings.HasPrefix(answer, row.answer) || !strings.HasSuffix(paste, row.paste) || (answer == "") != (row.answer == "") {
			t.Errorf("%s:\n%s\n%s\nwant %s ... %s", row.why, answer, paste, row.answer, row.paste)
		}
		if paste != "" && !strings.HasPrefix(paste, "**"+answer+"** (") || strings.Contains(paste, "\n") {
			t.Errorf("%s: not one line with the answer: %q", row.why, paste)
		}
	}
}

func TestMarkdownHasTheModelsOfTheGPUs(t *testing.T) {
	cells := slices.Concat(curve("aggregated", [][2]float64{{40, 10}, {30, 20}}),
		repeat(curve("disaggregated", [][2]float64{{45, 15}, {25, 30}}), 1, 1, 1))
	for i := range cells {
		if cells[i].Artifacts == "artifacts_0" {
			cells[i].Deployment.Machine = artifacts.Values{artifacts.GPUModel: "NVIDIA L40S"}
		}
	}
	f, err := Of(cells, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := f.Markdown("x"); !strings.Contains(got, "(x; NVIDIA L40S; 1 launch a side; ") {
		t.Errorf("got %s", got)
	}
}

func TestMarkdownIsEscaped(t *testing.T) {
	f, err := Of(curve("aggregated", [][2]float64{{40, 10}}), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := f.Markdown("a*b `c` [d](e) <f> | g_h"); !strings.Contains(got, "(a\\*b \\`c\\` \\[d](e) &lt;f> \\| g_h;") {
		t.Errorf("got %s", got)
	}
}

// Each sentence, with that of the TTFT behind it, is bold by itself.
func TestMarkdownSeparatesSentences(t *testing.T) {
	third := curve("aggregated", [][2]float64{{96, 20}, {45, 90}, {20, 100}})
	for i := range third {
		third[i].Deployment.Kind, third[i].N, third[i].Artifacts = "third", 9, "artifacts_9"
	}
	f := facts(t, append(rounds(1), third...), Options{})
	if got := f.Markdown("x"); len(f.Comparisons) != 2 || strings.Count(got, "**; **at ") != 1 {
		t.Errorf("got %s", got)
	}
}
