package run

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"topobench/internal/artifacts"
	"topobench/internal/journal"
	"topobench/internal/plan"
	"topobench/internal/text"
)

// Assumed where no earlier run has measured the topology: the times of a request and of a start. Simulated engines are
// faster.
const (
	assumedFirst = time.Second // to the first token
	assumedToken = 40 * time.Millisecond
	assumedStart = 2 * time.Minute
	mockedToken  = 10 * time.Millisecond
	mockedStart  = 10 * time.Second
	cellOverhead = 12 * time.Second // of aiperf, which takes 6 to 16 s beside its requests
)

// Rates are those of an earlier run of a topology.
type Rates struct {
	Latency map[int]time.Duration // the mean of a request, by concurrency
	Start   time.Duration         // from the launch to the first cell; 0 = unknown
	From    string                // its artifacts_N
}

// RatesOf reads the rates of the newest artifacts of a root with the plan's label, model and lengths. Without one they
// are empty.
func RatesOf(root string, p plan.Plan) Rates {
	d := p.Deployment
	rates := Rates{Latency: map[int]time.Duration{}}
	cells := artifacts.Last(root, func(o artifacts.Deployment) bool {
		return o.Label() == d.Label() && o.Model == d.Model && o.ISL == d.ISL && o.OSL == d.OSL
	})
	for _, c := range cells {
		if ms, err := c.Measurement.Value("request_latency", "avg"); err == nil {
			rates.Latency[c.Concurrency] = time.Duration(ms * float64(time.Millisecond))
			rates.From = c.Artifacts
		}
	}
	if rates.From != "" {
		rates.Start = startOf(root, rates.From)
	}
	return rates
}

// searchedRuns bounds the journals that are read for one start.
const searchedRuns = 20

// startOf is how long the topology of an artifacts_N took to its first cell, by the journal of its run; 0 = unknown.
func startOf(root, name string) time.Duration {
	runs, err := filepath.Glob(filepath.Join(root, artifacts.StateDir, "*", journal.Name))
	if err != nil {
		return 0
	}
	slices.Reverse(runs) // the newest first: their names begin with their time
	for _, path := range runs[:min(len(runs), searchedRuns)] {
		records, _ := journal.Read(path) // of a damaged one, those before the damage
		var launch journal.LaunchBegin
		var at int64
		for _, r := range records {
			switch e := r.Event.(type) {
			case journal.LaunchBegin:
				launch, at = e, r.Millis
			case journal.CellBegin:
				if launch.Artifacts == name && e.Topology == launch.Topology {
					return time.Duration(r.Millis-at) * time.Millisecond
				}
			}
		}
	}
	return 0
}

// at is the latency at the concurrency that is nearest to c by its ratio.
func (r Rates) at(c int) time.Duration {
	var nearest time.Duration
	least := math.Inf(1)
	for measured, latency := range r.Latency {
		far := math.Abs(math.Log(float64(measured) / float64(c)))
		if far < least || far == least && latency > nearest { // the order of a map is random
			least, nearest = far, latency
		}
	}
	return nearest
}

// Cost is what the measurement of topologies takes.
type Cost struct {
	Name                      string
	Launches, Cells, Requests int
	Time                      time.Duration // an estimate
	GPUHours                  float64       // the same; 0 for engines without GPUs
	From                      string        // the basis of the estimate
}

// CostOf estimates the cost of a plan that is launched once.
func CostOf(p plan.Plan, r Rates) Cost {
	first, token, start := assumedFirst, assumedToken, assumedStart
	if p.Simulated {
		first, token, start = 0, mockedToken, mockedStart
	}
	c := Cost{Name: p.Name, Launches: 1, Cells: len(p.Load.Concurrency), Time: start,
		From: fmt.Sprintf("assumed: %d tok/s/user", time.Second/token)}
	if len(r.Latency) > 0 {
		c.From = "latencies of " + r.From
	}
	if r.Start > 0 {
		c.Time = r.Start
	}
	for _, level := range p.Load.Concurrency {
		requests := p.Load.Requests(level) + p.Load.Warmup(level)
		latency := first + time.Duration(p.Load.OSL)*token
		if len(r.Latency) > 0 {
			latency = r.at(level)
		}
		c.Requests += requests
		c.Time += cellOverhead + time.Duration(float64(latency)*float64(requests)/float64(level))
	}
	if plan.RealGPUs(p.Engine, p.Versions.VLLM) {
		c.GPUHours = c.Time.Hours() * float64(p.GPUs)
	}
	return c
}

// Times is the cost of that many launches.
func (c Cost) Times(launches int) Cost {
	c.Launches, c.Cells, c.Requests = launches*c.Launches, launches*c.Cells, launches*c.Requests
	c.Time, c.GPUHours = time.Duration(launches)*c.Time, float64(launches)*c.GPUHours
	return c
}

// CostLines are a line for each topology, and the sum of several. A line with more than width characters has its
// estimate below it.
func CostLines(costs []Cost, width int) (lines []string) {
	sum := Cost{Name: "in all"}
	for _, c := range costs {
		lines = append(lines, c.lines(width)...)
		sum.Launches, sum.Cells, sum.Requests = sum.Launches+c.Launches, sum.Cells+c.Cells, sum.Requests+c.Requests
		sum.Time, sum.GPUHours = sum.Time+c.Time, sum.GPUHours+c.GPUHours
	}
	if len(costs) > 1 {
		lines = append(lines, sum.lines(width)...)
	}
	return lines
}

func (c Cost) lines(width int) []string {
	whole := c.String()
	if utf8.RuneCountInString(whole) <= width {
		return []string{whole}
	}
	counts, estimate, _ := strings.Cut(whole, "; ")
	return append(text.Fold(counts+";", width), text.Fold("  "+estimate, width)...)
}

// String is "agg: 1 launch, 9 cells, 6132 requests; about 17 minutes, 2.2 GPU-hours (assumed: 25 tok/s/user)".
func (c Cost) String() string {
	parts := []string{"about " + short(c.Time.Hours()) + " hours"}
	switch {
	case c.Time < time.Minute:
		parts[0] = "about " + short(c.Time.Seconds()) + " seconds"
	case c.Time < time.Hour:
		parts[0] = "about " + short(c.Time.Minutes()) + " minutes"
	}
	if c.GPUHours > 0 {
		parts = append(parts, short(c.GPUHours)+" GPU-hours")
	}
	basis := ""
	if c.From != "" {
		basis = " (" + c.From + ")"
	}
	return fmt.Sprintf("%s: %s, %s, %d requests; %s%s", c.Name, text.Count(c.Launches, "launch", "launches"),
		text.Count(c.Cells, "cell", "cells"), c.Requests, strings.Join(parts, ", "), basis)
}

// short has two significant digits, without an exponent.
func short(number float64) string {
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(number, 'g', 2, 64), 64)
	if err != nil {
		return "unknown"
	}
	return strconv.FormatFloat(rounded, 'f', -1, 64)
}
