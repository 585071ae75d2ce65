package e2e_test

import (
	"encoding/xml"
	"errors"
	"fmt"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"topobench/profiles"
)

// TestRealRun is the main job: both demo topologies, with one level each.
func TestRealRun(t *testing.T) { newFixture(t).demo("1") }

// demo runs both demo topologies with this test's ports, and checks the output and the files.
func (f fixture) demo(levels ...string) (r *running, stdout string) {
	f.Helper()
	disagg := f.builtIn("demo-disagg", "18000", "@10")
	agg := f.builtIn("demo-agg", "18080", "@20", "18101", "@21", "18102", "@22")
	r = f.start("run", "run", disagg, agg, "--verbose", "--isl", "100", "--osl", "40", "--concurrency", strings.Join(levels, ","))
	stdout = r.ends(0)
	r.clean()

	for what, pattern := range map[string]string{
		"the head of the time table":        `(?m)^seconds +demo-disagg +demo-agg$`,
		"the time that aiperf took":         `(?m)^ +aiperf( +\d+\.\d\d){2}$`,
		"topobench's own share of the time": `(?m)^ +own( +\d+\.\d\d){2}$`,
	} {
		if !regexp.MustCompile(pattern).MatchString(stdout) {
			f.Errorf("stdout lacks %s:\n%s", what, stdout)
		}
	}
	var cells, points []string
	for _, level := range levels {
		cells = append(cells, "-concurrency"+level)
	}
	for _, label := range []string{"dynamo_mocker_disaggregated", "vllm_mocker_aggregated"} {
		for _, level := range levels {
			points = append(points, label+","+level+".0")
		}
	}
	r.checkState()
	r.checkArtifacts("artifacts_0", cells, `{"kind":"dynamo_mocker","model":"tiny",`+
		`"input_sequence_length":100,"output_sequence_length":40,"tensor_parallelism":0,"data_parallelism":0,`+
		`"prefill_tensor_parallelism":1,"prefill_data_parallelism":4,"decode_tensor_parallelism":4,"decode_data_parallelism":1,"mode":"disaggregated"`)
	r.checkArtifacts("artifacts_1", cells, `{"kind":"vllm_mocker","model":"tiny",`+
		`"input_sequence_length":100,"output_sequence_length":40,"tensor_parallelism":4,"data_parallelism":2,`+
		`"prefill_tensor_parallelism":0,"prefill_data_parallelism":0,"decode_tensor_parallelism":0,"decode_data_parallelism":0,"mode":"aggregated"`)
	r.checkPictures()
	r.checkUpstream(points...)
	return r, stdout
}

// TestRealFrontend measures the third kind of topology: aggregated workers behind Dynamo's frontend.
func TestRealFrontend(t *testing.T) {
	f := newFixture(t)
	profile := f.builtIn("demo-agg-dynamo", "18001", "@10")
	r := f.start("run", "run", profile, "--isl", "100", "--osl", "40", "--concurrency", "1")
	r.ends(0)
	r.clean()
	r.checkState()
	r.checkArtifacts("artifacts_0", []string{"-concurrency1"}, `{"kind":"dynamo_mocker","model":"tiny",`+
		`"input_sequence_length":100,"output_sequence_length":40,"tensor_parallelism":4,"data_parallelism":2,`+
		`"prefill_tensor_parallelism":0,"prefill_data_parallelism":0,"decode_tensor_parallelism":0,"decode_data_parallelism":0,"mode":"aggregated"`)
	r.checkUpstream("dynamo_mocker_aggregated,1.0")
}

// builtIn writes a built-in profile with the test's ports.
func (f fixture) builtIn(name string, oldNew ...string) string {
	f.Helper()
	text, err := profiles.Read(name)
	f.check(err)
	return f.profile(name, string(text)+"port_base: @00\n", oldNew...)
}

// checkPictures checks that both pictures can be read.
func (r *running) checkPictures() {
	r.Helper()
	file, err := os.Open(filepath.Join(r.root, "pareto_plot.png"))
	r.check(err)
	defer file.Close()
	picture, err := png.Decode(file)
	r.check(err)
	if size := picture.Bounds().Size(); size.X < 1000 || size.Y < 400 {
		r.Errorf("the PNG is %v", size)
	}
	elements := 0
	for tokens := xml.NewDecoder(strings.NewReader(r.read(filepath.Join(r.root, "pareto_plot.svg")))); ; {
		token, err := tokens.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		r.check(err)
		if _, ok := token.(xml.StartElement); ok {
			elements++
		}
	}
	if elements < 20 {
		r.Errorf("the SVG has %d elements", elements)
	}
}

// TestRealPerf measures a topology that another topobench holds up, as perf.sh does.
func TestRealPerf(t *testing.T) {
	f := newFixture(t)
	up := f.start("up", "up", f.builtIn("demo-disagg", "18000", "@10"))
	up.awaitUp(f.ports + 10)
	r := f.start("perf", "perf", "--url", fmt.Sprintf("http://127.0.0.1:%d", f.ports+10), "--mode", "disaggregated",
		"--prefill-tp", "1", "--prefill-dp", "4", "--decode-tp", "4", "--decode-dp", "1", "--model", "tiny", "--tokenizer", tiny(),
		"--concurrency", "1", "--isl", "64", "--osl", "40", "--deployment-kind", "dynamo_mocker")
	r.ends(0)
	if left := r.left(); len(left) > 0 {
		t.Errorf("perf left behind: %v", left)
	}
	r.checkState()
	r.checkArtifacts("artifacts_0", []string{"-concurrency1"}, `{"kind":"dynamo_mocker","model":"tiny",`+
		`"input_sequence_length":64,"output_sequence_length":40,"tensor_parallelism":0,"data_parallelism":0,`+
		`"prefill_tensor_parallelism":1,"prefill_data_parallelism":4,"decode_tensor_parallelism":4,"decode_data_parallelism":1,"mode":"disaggregated",`+
		`"load":{"random_seed":100,"fresh_prompts":false,"requests_per_concurrency":10,"warmup_requests_per_concurrency":2,`+
		`"extra_inputs":["max_tokens:40","min_tokens:40","ignore_eos:true","{\"nvext\":{\"ignore_eos\":true}}"]},"programs":{"aiperf":"`)
	r.checkUpstream("dynamo_mocker_disaggregated,1.0")

	up.signal(syscall.SIGINT)
	up.ends(130)
	up.clean()
}
