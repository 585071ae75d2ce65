package verdict

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"topobench/internal/aiperf"
)

func TestOfRecordedRuns(t *testing.T) {
	rows := []struct {
		sentence, dir string
		load          Load
		want          State
		reasons       []string
	}{
		{"0.13, all well", "artifacts_root/artifacts_0/-concurrency2", Load{Requests: 20, OSL: 50}, Valid, []string{}},
		{"0.13, asked by its own input_config", "artifacts_root/artifacts_1/-concurrency8", Load{Requests: 0, OSL: 50}, Valid, []string{}},
		{"0.1.1 counts itself", "versions/0.1.1/-concurrency2", Load{Requests: 20, OSL: 15}, Valid, []string{}},
		{"0.3 by its records", "versions/0.3.0/-concurrency2", Load{Requests: 20, OSL: 15}, Valid, []string{}},
		{"0.6 by its records", "versions/0.6.0/-concurrency2", Load{Requests: 20, OSL: 15}, Valid, []string{}},
		{"0.7 without records cannot tell", "versions/0.7.0/-concurrency2", Load{Requests: 20, OSL: 15}, Unchecked, []string{
			"cannot count the requests with an inter-token latency: the export does not count them, and there is no profile_export.jsonl"}},
		{"0.8 counts itself again", "versions/0.8.0/-concurrency2", Load{Requests: 20, OSL: 15}, Valid, []string{}},
		{"0.11", "versions/0.11.0/-concurrency2", Load{Requests: 20, OSL: 15}, Valid, []string{}},
		{"an OSL nobody knows", "versions/0.11.0/-concurrency2", Load{}, Unchecked, []string{
			"15 output tokens a request by the text tokenised again, but the configured length is unknown"}},
		{"invalid wins over unchecked", "versions/0.7.0/-concurrency2", Load{Requests: 21, OSL: 15}, Invalid, []string{"20 of 21 requests completed"}},
		{"5 of 20 answered 500, aiperf exited 0", "partial-5-of-20-failed/-concurrency2", Load{Requests: 20, OSL: 15}, Invalid, []string{
			"requests failed: 5 x 500 Internal Server Error (boom)", "15 of 20 requests completed",
			"0 of 15 requests have an inter-token latency", "inter_token_latency is 0"}},
		{"chunks that arrived together", "coalesced-4-of-20-have-itl/-concurrency2", Load{Requests: 20, OSL: 15}, Invalid, []string{
			"4 of 20 requests have an inter-token latency"}},
		{"half the length asked for", "artifacts_root/artifacts_0/-concurrency2", Load{Requests: 20, OSL: 100}, Invalid, []string{
			"50 output tokens a request by the server's usage, 100 configured"}},
		{"an OSL of 1", "versions/0.11.0/-concurrency2", Load{Requests: 20, OSL: 1}, Invalid, []string{
			"15 output tokens a request by the text tokenised again, 1 configured",
			"an output of 1 token has no inter-token latency: set 2 or more"}},
	}
	for _, row := range rows {
		m, err := aiperf.Read(filepath.Join("../aiperf/testdata", row.dir, aiperf.ExportName))
		if err != nil {
			t.Fatal(err)
		}
		v := Of(Evidence{}, m, row.load)
		if v.State != row.want {
			t.Errorf("%s: got %s, want %s", row.sentence, v.State, row.want)
		}
		if diff := cmp.Diff(row.reasons, v.Reasons); diff != "" {
			t.Errorf("%s: want (-), got (+):\n%s", row.sentence, diff)
		}
	}
}

func TestOfTrustsTheServersCountOverTheText(t *testing.T) {
	m, err := aiperf.Read("../aiperf/testdata/real-vllm-agg-cpu/-concurrency4/" + aiperf.ExportName)
	if err != nil {
		t.Fatal(err)
	}
	want := Check{OutputLen, Valid, "15 output tokens a request by the server's usage (17.07 by the text tokenised again), as configured"}
	if diff := cmp.Diff(want, find(t, Of(Evidence{}, m, Load{OSL: 15}), OutputLen)); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}
}

// find is the one check of a rule that must have applied.
func find(t *testing.T, v Verdict, name CheckName) Check {
	t.Helper()
	c, ok := v.Find(name)
	if !ok {
		t.Fatalf("no check %s in %+v", name, v.Checks)
	}
	return c
}

// good is a measurement that is valid with 2 requests of 10 tokens.
func good() aiperf.Measurement {
	avg := func(v float64) aiperf.Metric { return aiperf.Metric{Stats: map[string]float64{"avg": v, "count": 2}} }
	return aiperf.Measurement{Metrics: map[string]aiperf.Metric{
		"request_count": avg(2), "output_sequence_length": avg(10), "output_token_throughput": avg(100),
		"time_to_first_token": avg(5), "inter_token_latency": avg(7), "output_token_throughput_per_user": avg(140)}}
}

func TestOfNamesEachFault(t *testing.T) {
	set := func(m *aiperf.Measurement, tag string, v float64) { m.Metrics[tag].Stats["avg"] = v }
	rows := []struct {
		sentence string
		spoil    func(m *aiperf.Measurement)
		want     State
		reason   string
	}{
		{"nothing spoilt", func(*aiperf.Measurement) {}, Valid, ""},
		{"incomplete by aiperf's own account", func(m *aiperf.Measurement) { m.Incomplete = true }, Invalid, "aiperf marked its result incomplete"},
		{"cancelled by Ctrl-C", func(m *aiperf.Measurement) { m.Cancelled = true }, Invalid, "the run was cancelled before its end"},
		{"no request_count", func(m *aiperf.Measurement) { delete(m.Metrics, "request_count") }, Invalid, "no request completed: the export has no request_count"},
		{"an error without an answer", func(m *aiperf.Measurement) { m.Errors = []aiperf.ErrorGroup{{Type: "Refused\x1b[2J", Count: 1}} }, Invalid, `requests failed: 1 x Refused\x1b[2J`},
		{"an error without anything", func(m *aiperf.Measurement) { m.Errors = []aiperf.ErrorGroup{{Count: 2}} }, Invalid, "requests failed: 2 x an error without a type"},
		{"only the metric knows of errors", func(m *aiperf.Measurement) {
			m.Metrics["error_request_count"] = aiperf.Metric{Stats: map[string]float64{"avg": 3}}
		}, Invalid, "3 requests failed"},
		{"the metric of errors without a number is none", func(m *aiperf.Measurement) { m.Metrics["error_request_count"] = aiperf.Metric{} }, Valid, ""},
		{"fewer than no errors", func(m *aiperf.Measurement) {
			m.Metrics["error_request_count"] = aiperf.Metric{Stats: map[string]float64{"avg": -1}}
		}, Invalid, `cannot count the failed requests: cannot use , key "/error_request_count/avg": the number is negative`},
		{"errors that are no number", func(m *aiperf.Measurement) {
			m.Metrics["error_request_count"] = aiperf.Metric{Stats: map[string]float64{"avg": math.NaN()}}
		}, Invalid, `cannot count the failed requests: cannot use , key "/error_request_count/avg": the number is out of range`},
		{"2 % longer is as asked", func(m *aiperf.Measurement) { set(m, "output_sequence_length", 10.2) }, Valid, ""},
		{"3 % shorter is not", func(m *aiperf.Measurement) { set(m, "output_sequence_length", 9.7) }, Invalid, "9.7 output tokens a request by the text tokenised again, 10 configured"},
		{"no length", func(m *aiperf.Measurement) { delete(m.Metrics, "output_sequence_length") }, Invalid, "the export has no output length"},
		{"a throughput of 0", func(m *aiperf.Measurement) { set(m, "output_token_throughput", 0) }, Invalid, "output_token_throughput is 0"},
		{"a negative latency", func(m *aiperf.Measurement) { set(m, "time_to_first_token", -1) }, Invalid, "time_to_first_token is -1"},
		{"not streamed", func(m *aiperf.Measurement) { delete(m.Metrics, "time_to_first_token") }, Invalid, "no avg of time_to_first_token"},
	}
	for _, row := range rows {
		m := good()
		row.spoil(&m)
		v := Of(Evidence{}, m, Load{Requests: 2, OSL: 10})
		if got := strings.Join(v.Reasons, "; "); v.State != row.want || got != row.reason {
			t.Errorf("%s: got %s: %s, want %s: %s", row.sentence, v.State, got, row.want, row.reason)
		}
	}
}

func TestOfCannotTellWithoutTheNumberAsked(t *testing.T) {
	v := Of(Evidence{}, good(), Load{OSL: 10})
	want := []string{"2 requests completed, but the configured number is unknown"}
	if diff := cmp.Diff(want, v.Reasons); v.State != Unchecked || diff != "" {
		t.Errorf("got %s, want (-), got (+):\n%s", v.State, diff)
	}
}

// uncounted is an export like good, of an aiperf that does not count latencies.
const uncounted = `{"request_count": {"avg": 2}, "output_sequence_length": {"avg": 10}, "output_token_throughput": {"avg": 100},
	"time_to_first_token": {"avg": 5}, "inter_token_latency": {"avg": 7}, "output_token_throughput_per_user": {"avg": 140}}`

func TestRecordsThatCannotTellLeaveItUnchecked(t *testing.T) {
	line := func(phase, ms string) string {
		return `{"metadata":{"benchmark_phase":"` + phase + `"},"metrics":{"inter_token_latency":{"value":` + ms + `,"unit":"ms"}}}` + "\n"
	}
	rows := []struct {
		sentence, lines string
		want            State
	}{
		{"both measured requests have one", line("warmup", "0.0") + line("profiling", "3.1") + line("profiling", "3.2"), Valid},
		{"one has none", line("profiling", "3.1") + line("profiling", "0.0"), Invalid},
		{"the warm-up does not count", line("warmup", "3") + line("profiling", "3.1") + line("profiling", "0"), Invalid},
		{"a metric is not written at all", line("profiling", "3.1") + `{"metadata":{"benchmark_phase":"profiling"},"metrics":{}}`, Invalid},
		{"fewer lines than requests", line("profiling", "3.1"), Unchecked},
		{"no line", "", Unchecked},
		{"the last line is cut off", line("profiling", "3.1") + `{"metadata":{"bench`, Unchecked},
		{"no phase", `{"metadata":{},"metrics":{}}`, Unchecked},
		{"a text for a number", line("profiling", `"3.1"`), Unchecked},
	}
	for _, row := range rows {
		dir := t.TempDir()
		for name, text := range map[string]string{aiperf.ExportName: uncounted, aiperf.RecordsName: row.lines} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		m, err := aiperf.Read(filepath.Join(dir, aiperf.ExportName))
		if err != nil {
			t.Fatal(err)
		}
		if v := Of(Evidence{}, m, Load{Requests: 2, OSL: 10}); v.State != row.want {
			t.Errorf("%s: got %s %v, want %s", row.sentence, v.State, v.Reasons, row.want)
		}
	}
}

// FuzzOf: no export that can be read crashes a rule, and the verdict is the worst state.
func FuzzOf(f *testing.F) {
	f.Add([]byte(`{"records": {"ttft": {"tag": "ttft", "unit": "ms", "avg": 68.7, "p10": null}}, "input_config": {"loadgen": {"concurrency": 2, "request_count": 20}}}`))
	f.Add([]byte(`{"schema_version": "1.4", "request_count": {"avg": 15.0}, "was_cancelled": false, "error_summary": [{"error_details": {"code": 500, "type": "X", "message": "m"}, "count": 5}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := aiperf.Parse("x", data)
		if err != nil {
			return
		}
		v := Of(Evidence{}, m, Load{Requests: 1, OSL: 2})
		if (v.State == Valid) != (len(v.Reasons) == 0) {
			t.Errorf("%s with the reasons %q", v.State, v.Reasons)
		}
	})
}
