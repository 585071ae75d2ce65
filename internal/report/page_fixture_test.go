package report

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"topobench/internal/aiperf"
	"topobench/internal/artifacts"
	"topobench/internal/verdict"
)

// pageCells are cells of several topologies over concurrencies and rounds, with all metrics of aiperf. One in nine is
// invalid.
func pageCells(series, levels, launches int, name func(series int) string) (cells []artifacts.Cell) {
	for n := range series * launches {
		s, round := n%series, n/series+1
		for level := range levels {
			c := 1 << level
			x := (140 - 4*float64(s)) * math.Pow(0.82, float64(level)) * (1 + 0.01*float64(round%3))
			y := (14 + 1.5*float64(s)) * math.Pow(1.4, float64(level)) / (1 + 0.002*float64(c)) * (1 + 0.01*float64(round))
			mode := []string{"aggregated", "disaggregated"}[min(s, 1)]
			cell := artifacts.Cell{Artifacts: fmt.Sprintf("artifacts_%d", n), N: n, Concurrency: c, GPUs: 8,
				Path: fmt.Sprintf("root/artifacts_%d/-concurrency%d/profile_export_aiperf.json", n, c),
				Deployment: artifacts.Deployment{Kind: name(s), Mode: mode, Name: name(s), Model: "Qwen/Qwen3-0.6B",
					Engine: "vllm", ISL: 4000, OSL: 500, Round: round,
					Settings: artifacts.Values{"max-num-seqs": fmt.Sprint(256 + s), "dtype": "auto", "kv-transfer": name(s)},
					Machine:  artifacts.Values{"GPU model": "NVIDIA H200"}},
				Measurement: pageMeasurement(x, y, c),
				Verdict: verdict.Sum([]verdict.Check{{Name: "requests", State: verdict.Valid},
					{Name: verdict.GPUClocks, State: verdict.NotMade, Detail: "no driver"}})}
			if (n*levels+level)%9 == 8 {
				cell.Verdict = verdict.Sum([]verdict.Check{{Name: "errors", State: verdict.Invalid, Detail: name(s) + " died"}})
			}
			cells = append(cells, cell)
		}
	}
	return cells
}

func pageMeasurement(x, y float64, concurrency int) aiperf.Measurement {
	around := func(v float64) aiperf.Metric {
		return aiperf.Metric{Stats: map[string]float64{"avg": v, "p10": v * 0.9, "p50": v, "p90": v * 1.2, "p99": v * 1.4}}
	}
	return aiperf.Measurement{AIPerf: "0.13.0", Requests: 1000, Metrics: map[string]aiperf.Metric{
		"output_token_throughput_per_user": around(x), "output_token_throughput": around(8 * y),
		"time_to_first_token": around(60 + 3*float64(concurrency)), "inter_token_latency": around(1000 / x),
		"e2e_output_token_throughput": around(x * 0.8), "request_throughput": around(y / 60),
		"request_count": around(1000), "output_sequence_length": around(500), "usage_completion_tokens": around(500)}}
}

func plainName(s int) string { return fmt.Sprintf("dynamo_vllm_%c", 'a'+s) }

// pageExtras has every part of a page for the cells.
func pageExtras(cells []artifacts.Cell, name string) Extras {
	x := Extras{Command: "topobench run " + name, Version: "v0.4.0 " + name, Missing: []string{"no journal: " + name},
		Deviations: []Deviating{{ID: "loopback", Guide: "servers listen on every address", Done: "127.0.0.1 " + name,
			Why: "none of them authenticates its clients", Topologies: []string{name}}},
		Logs:       []Log{{Name: name, Cause: "exited with 1", Path: ".topobench/x/" + name, Lines: []string{name, "OOM"}}},
		Scripts:    []Script{{Name: name, Text: "#!/bin/bash\n\techo '" + name + "'\n"}},
		Timelines:  []Timeline{{Run: "20261124-094805-3f2a" + name}},
		Provenance: map[string][]artifacts.Provenance{}, Samples: map[string][]artifacts.Sample{}}
	begun := time.Date(2026, 11, 24, 9, 48, 5, 0, time.UTC)
	for _, c := range cells {
		x.Samples[c.Path] = pageSamples(c)
		if x.Provenance[c.Artifacts] != nil {
			continue
		}
		x.Provenance[c.Artifacts] = []artifacts.Provenance{{Name: name, Launch: 1, Begun: begun, Launched: 1.5, Engine: 92,
			Profile:  artifacts.ProfileText{Source: name, Text: "name: " + name + "\nengine: vllm\n", Hash: name},
			Services: []artifacts.ServiceProcess{{Name: name, Argv: []string{"vllm", "serve", name}, Environment: []string{"A=" + name}}},
			GPUs:     []artifacts.GPU{{Name: name, UUID: "GPU-1", Bus: "00:1A.0", Memory: "141 GiB"}}, Driver: "580.1"}}
		x.Timelines[0].Lanes = append(x.Timelines[0].Lanes, pageLane(float64(c.N)*900, c.Artifacts+" "+name))
	}
	return x
}

func pageLane(t float64, name string) Lane {
	lane := Lane{Name: name, Spans: []Span{{Kind: Launching, From: t, To: t + 92}, {Kind: Proving, From: t + 92, To: t + 101}}}
	for i := range 9 {
		begin := t + 101 + 80*float64(i)
		lane.Spans = append(lane.Spans, Span{Kind: Measuring, From: begin, To: begin + 75,
			Text: fmt.Sprintf("concurrency %d", 1<<i), Failed: i == 8})
	}
	return Lane{name, append(lane.Spans, Span{Kind: Ending, From: t + 830, To: t + 838})}
}

func pageSamples(c artifacts.Cell) (samples []artifacts.Sample) {
	for t := range 75 {
		s := artifacts.Sample{T: float64(t)}
		for i := range 8 {
			s.GPUs = append(s.GPUs, artifacts.GPUSample{Index: i, Busy: new(50 + 40*math.Sin(float64(t+i)/7)),
				Watts: new(400 + 30*float64(i) + 100*math.Sin(float64(t)/5)), Used: new(90000.0), SM: new(1900 - float64(t))})
		}
		s.Engines = []artifacts.EngineSample{{Service: c.Deployment.Name, Running: new(float64(c.Concurrency)),
			Waiting: new(float64(t % 5)), KVUsage: new(float64(t) / 100), Preemptions: new(0.0)}}
		samples = append(samples, s)
	}
	return samples
}

// element is an element of a page.
type element struct {
	name     string
	attrs    map[string]string
	text     string // of itself and everything below
	children []*element
}

// parsePage reads the tree of a page. The page is well-formed XML too, so that a reader without the repairs of a browser
// finds every fault.
func parsePage(t *testing.T, page []byte) *element {
	t.Helper()
	root := &element{}
	open, all := []*element{root}, &strings.Builder{}
	begins := []int{0} // of the text of each open element
	for decoder := xml.NewDecoder(strings.NewReader(string(page))); ; {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			root.text = all.String()
			return root
		}
		if err != nil {
			t.Fatal(err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			e := &element{name: token.Name.Local, attrs: map[string]string{}}
			for _, a := range token.Attr {
				e.attrs[a.Name.Local] = a.Value
			}
			last := open[len(open)-1]
			last.children, open, begins = append(last.children, e), append(open, e), append(begins, all.Len())
		case xml.EndElement:
			n := len(open) - 1
			open[n].text = all.String()[begins[n]:]
			open, begins = open[:n], begins[:n]
		case xml.CharData:
			all.Write(token)
		}
	}
}

// find lists the elements of the tree, in order, for which match is true.
func (e *element) find(match func(*element) bool) (found []*element) {
	if match(e) {
		found = append(found, e)
	}
	for _, child := range e.children {
		found = append(found, child.find(match)...)
	}
	return found
}

func named(name string) func(*element) bool { return func(e *element) bool { return e.name == name } }

func withID(id string) func(*element) bool {
	return func(e *element) bool { return e.attrs["id"] == id }
}

func pageOf(t *testing.T, f Facts, x Extras) (*element, []byte) {
	t.Helper()
	page := written(t, func(w io.Writer) error { return f.HTML(w, x) })
	return parsePage(t, page), page
}

func pageFacts(t *testing.T, cells []artifacts.Cell) Facts {
	t.Helper()
	return facts(t, cells, Options{Rounds: 1})
}
