package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"topobench/internal/artifacts"
	"topobench/internal/chart"
	"topobench/internal/text"
)

// Size of a small chart of samples, in units of its box.
const (
	smallWidth  = 240
	smallHeight = 56
)

// samplePoints bounds the points of all small charts of a page, which keeps 100 cells below 2 MB.
const samplePoints = 70_000

// quantity is a number that is sampled while a cell runs.
type quantity struct {
	name, unit string
	most       float64 // end of its scale: the largest value of the page, or 100 %
	ofGPU      func(artifacts.GPUSample) *float64
	ofEngine   func(artifacts.EngineSample) *float64
	factor     float64
}

func quantities() []quantity {
	return []quantity{
		{name: "GPU busy", unit: "%", most: 100, factor: 1,
			ofGPU: func(g artifacts.GPUSample) *float64 { return g.Busy }},
		{name: "GPU power", unit: "W", factor: 1, ofGPU: func(g artifacts.GPUSample) *float64 { return g.Watts }},
		{name: "GPU memory", unit: "GiB", factor: 1.0 / 1024,
			ofGPU: func(g artifacts.GPUSample) *float64 { return g.Used }},
		{name: "SM clock", unit: "MHz", factor: 1, ofGPU: func(g artifacts.GPUSample) *float64 { return g.SM }},
		{name: "requests running", factor: 1, ofEngine: func(e artifacts.EngineSample) *float64 { return e.Running }},
		{name: "requests waiting", factor: 1, ofEngine: func(e artifacts.EngineSample) *float64 { return e.Waiting }},
		{name: "requests in flight", factor: 1,
			ofEngine: func(e artifacts.EngineSample) *float64 { return e.InFlight }},
		{name: "KV cache in use", unit: "%", most: 100, factor: 100,
			ofEngine: func(e artifacts.EngineSample) *float64 { return e.KVUsage }},
		{name: "preemptions", factor: 1,
			ofEngine: func(e artifacts.EngineSample) *float64 { return e.Preemptions }},
	}
}

// trace is one GPU or engine over time.
type trace struct {
	name   string // of the engine; empty for a GPU
	gpu    artifacts.Device
	times  []float64
	values []float64
}

// traces are those of a quantity in the samples of a cell, in order of appearance.
func (q quantity) traces(samples []artifacts.Sample) (all []trace) {
	add := func(name string, gpu artifacts.Device, t float64, value *float64) {
		if value == nil {
			return
		}
		i := slices.IndexFunc(all, func(have trace) bool { return have.gpu == gpu && have.name == name })
		if i < 0 {
			i, all = len(all), append(all, trace{name: name, gpu: gpu})
		}
		all[i].times, all[i].values = append(all[i].times, t), append(all[i].values, *value*q.factor)
	}
	for _, s := range samples {
		if q.ofGPU != nil {
			for _, g := range s.GPUs {
				add("", artifacts.Device{Host: g.Host, Index: g.Index}, s.T, q.ofGPU(g))
			}
			continue
		}
		for _, e := range s.Engines {
			add(e.Service, artifacts.Device{}, s.T, q.ofEngine(e))
		}
	}
	return all
}

// label is the name of the GPU or engine.
func (t trace) label() string {
	switch {
	case t.name != "":
		return text.Clean(t.name)
	case t.gpu.Host != "":
		return fmt.Sprintf("GPU %d of %s", t.gpu.Index, text.Clean(t.gpu.Host))
	}
	return fmt.Sprintf("GPU %d", t.gpu.Index)
}

// smallView is a small chart: a line for each GPU or engine.
type smallView struct {
	Name, Range   string
	Width, Height int
	Lines         []lineView
}

type lineView struct{ Points, Colour, Text string }

// multiples draws the samples of all cells: one scale for each quantity, so that cells can be compared by eye.
func multiples(samples map[string][]artifacts.Sample) map[string][]smallView {
	made := map[string][]smallView{}
	byCell := map[string][][]trace{}
	all, count := quantities(), 0
	for cell, own := range samples {
		for i, q := range all {
			traces := q.traces(own)
			byCell[cell] = append(byCell[cell], traces)
			count += len(traces)
			for _, t := range traces {
				if q.unit != "%" {
					all[i].most = max(all[i].most, slices.Max(t.values))
				}
			}
		}
	}
	points := min(120, max(8, samplePoints/max(1, count)))
	for cell, quantity := range byCell {
		for i, traces := range quantity {
			if len(traces) > 0 {
				made[cell] = append(made[cell], all[i].view(traces, points))
			}
		}
	}
	return made
}

// view draws traces of at most points points, each the mean of neighbours.
func (q quantity) view(traces []trace, points int) smallView {
	end, least, most := 1.0, math.Inf(1), math.Inf(-1)
	for _, t := range traces {
		end = max(end, t.times[len(t.times)-1])
		least, most = min(least, slices.Min(t.values)), max(most, slices.Max(t.values))
	}
	v := smallView{Name: q.name, Width: smallWidth, Height: smallHeight,
		Range: strings.TrimSpace(fmt.Sprintf("%s to %s %s", amount(least), amount(most), q.unit))}
	for i, t := range traces {
		v.Lines = append(v.Lines, lineView{Points: t.path(points, end, cmp.Or(q.most, 1)),
			Colour: chart.Mark(i).Colour, Text: t.label() + ": mean " + amount(mean(t.values)) + " " + q.unit})
	}
	return v
}

// path is the trace in the box of a small chart.
func (t trace) path(points int, end, most float64) string {
	per := (len(t.values) + points - 1) / points
	var b strings.Builder
	for from := 0; from < len(t.values); from += per {
		to := min(len(t.values), from+per)
		x := max(0, mean(t.times[from:to])/end*smallWidth)
		y := smallHeight - 1 - min(1, max(0, mean(t.values[from:to])/most))*(smallHeight-2)
		fmt.Fprintf(&b, "%.0f,%.0f ", x, y)
	}
	return strings.TrimRight(b.String(), " ")
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// amount has three digits, and none behind the point of a large number.
func amount(v float64) string {
	if v == math.Trunc(v) || math.Abs(v) >= 100 {
		return fmt.Sprintf("%.0f", v)
	}
	return significant(v, 3)
}
