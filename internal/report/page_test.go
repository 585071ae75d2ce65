package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"topobench/internal/artifacts"
	"topobench/internal/slo"
)

// hostile is a name that would run as a script, leave its attribute, load a remote image or hide text.
const hostile = `"'><script>alert(1)</script><img src=http://x.test/i onerror=alert(2)>` +
	"{{.}}\u202e\x1b[31m</title></style>`javascript:alert(3)"

// The page runs no script but its own, loads nothing, and shows names of others as text.
func TestS08ThePageHasNoForeignElement(t *testing.T) {
	cells := pageCells(2, 3, 2, func(s int) string { return fmt.Sprint(hostile, s) })
	tree, page := pageOf(t, pageFacts(t, cells), pageExtras(cells, hostile))
	allowed := strings.Fields("html head meta title style body header h1 h2 h3 h4 p fieldset legend label input main section " +
		"ul li details summary div span table thead tbody tr th td dl dt dd pre code br script figure figcaption a strong " +
		"svg path line rect text polyline")
	for _, e := range tree.find(func(e *element) bool { return e.name != "" }) {
		if !slices.Contains(allowed, e.name) {
			t.Errorf("the page has an element %s", e.name)
		}
		for name, value := range e.attrs {
			if strings.HasPrefix(name, "on") || slices.Contains([]string{"src", "style", "srcset", "action"}, name) ||
				name == "href" && !strings.HasPrefix(value, "#") {
				t.Errorf("%s has %s=%q", e.name, name, value)
			}
		}
	}
	scripts, styles := tree.find(named("script")), tree.find(named("style"))
	if len(scripts) != 1 || len(styles) != 1 {
		t.Fatalf("%d scripts and %d style sheets", len(scripts), len(styles))
	}
	policy := tree.find(func(e *element) bool { return e.attrs["http-equiv"] != "" })[0].attrs["content"]
	want := "default-src 'none'; script-src " + hash(scripts[0].text) + "; style-src " + hash(styles[0].text) +
		"; base-uri 'none'; form-action 'none'"
	if policy != want {
		t.Errorf("the policy is %s, want %s", policy, want)
	}
	if got := tree.text; !strings.Contains(got, "<script>alert(1)</script>") || strings.ContainsAny(got, "\u202e\x1b") {
		t.Error("hostile names are not shown as cleaned text")
	}
	if strings.Contains(string(page), "ZgotmplZ") {
		t.Error("html/template refused a value")
	}
}

func TestThePageBeginsWithTheAnswerAndHasEveryPart(t *testing.T) {
	cells := pageCells(2, 4, 3, plainName)
	f := pageFacts(t, cells)
	tree, _ := pageOf(t, f, pageExtras(cells, "dynamo"))
	panels := tree.find(func(e *element) bool { return e.attrs["data-axis"] != "" })
	var axes []string
	for _, p := range panels {
		axes = append(axes, p.attrs["data-axis"])
	}
	if got := strings.Join(axes, " "); got != "user p90 e2e" {
		t.Fatalf("the axes are %q", got)
	}
	headline := panels[0].find(func(e *element) bool { return e.attrs["class"] == "headline" })[0].text
	c := f.Comparisons[0]
	places := ratioDecimals(intervalOf(*c.Ratio, *c.RatioLow, *c.RatioHigh))
	if want := fmt.Sprintf("%.*fx 95 %% interval %.*f to %.*f", places, *c.Ratio, places, *c.RatioLow, places, *c.RatioHigh); !strings.HasPrefix(headline, want) {
		t.Errorf("the headline is %q, want %q", headline, want)
	}
	if answer := panels[0].find(func(e *element) bool { return e.attrs["class"] == "sentence" })[0].text; answer != c.Sentence {
		t.Errorf("the sentence is %q, want %q", answer, c.Sentence)
	}
	for id, want := range map[string]string{"warnings": "hollow in the picture", "table": "dynamo_vllm_a_aggregated",
		"differences": "max-num-seqs", "validity": "is invalid: dynamo_vllm_", "deviations": "loopback",
		"timeline": "artifacts_0", "logs": "OOM", "cells": "GPU power", "provenance": "GPU-1", "reproduce": "echo",
		"missing": "no journal"} {
		if found := tree.find(withID(id)); len(found) != 1 || !strings.Contains(found[0].text, want) {
			t.Errorf("the part %s lacks %q", id, want)
		}
	}
	for _, link := range tree.find(func(e *element) bool { return e.attrs["href"] != "" }) {
		if id, _ := strings.CutPrefix(link.attrs["href"], "#"); len(tree.find(withID(id))) != 1 {
			t.Errorf("the link %s has no target", link.attrs["href"])
		}
	}
}

// A point leads to its own cells, and its title has their numbers.
func TestAPointOfThePageHasTheFactsOfItsCell(t *testing.T) {
	cells := pageCells(2, 3, 1, plainName)
	f := pageFacts(t, cells)
	tree, _ := pageOf(t, f, Extras{})
	points := tree.find(func(e *element) bool { return e.attrs["class"] == "point" })
	if len(points) != 3*len(cells) {
		t.Fatalf("%d points for %d cells on three axes", len(points), len(cells))
	}
	for _, p := range points[:len(cells)] {
		var s, c int
		if _, err := fmt.Sscanf(p.attrs["href"], "#cell-%d-%d", &s, &c); err != nil {
			t.Fatal(err)
		}
		r := f.Rows[slices.IndexFunc(f.Rows, func(r Row) bool { return r.series() == f.Series[s].Label && r.Concurrency == c })]
		title := p.find(named("title"))[0].text
		for _, want := range []string{fmt.Sprintf("%s, concurrency %d", f.Series[s].Label, c),
			"time to first token p99: " + number(r.Numbers["time_to_first_token_p99"]) + " ms"} {
			if !strings.Contains(title, want) {
				t.Errorf("the title of %s lacks %q:\n%s", p.attrs["href"], want, title)
			}
		}
	}
}

// A tree of others has none of the extras, and a part without content is absent.
func TestThePageLeavesAbsentPartsOut(t *testing.T) {
	for name, cells := range map[string][]artifacts.Cell{"one cell": {at("aggregated", 10, 5)}, "no cell": nil,
		"no valid cell": invalid(curve("aggregated", [][2]float64{{20, 90}, {45, 80}}))} {
		tree, _ := pageOf(t, pageFacts(t, cells), Extras{})
		for _, id := range strings.Fields("deviations timeline logs provenance reproduce missing") {
			if len(tree.find(withID(id))) > 0 {
				t.Errorf("%s: the page has the part %s", name, id)
			}
		}
		if panels := tree.find(func(e *element) bool { return e.attrs["data-axis"] != "" }); len(panels) == 0 {
			t.Errorf("%s: the page has no axis", name)
		}
	}
}

// The switch of the axis shows what --x would print.
func TestThePageOnAnotherAxisHasItsOwnAnswer(t *testing.T) {
	cells := pageCells(3, 5, 2, plainName)
	f := pageFacts(t, cells)
	for _, a := range Axes() {
		on, err := f.on(a.Flag)
		if err != nil {
			t.Fatal(err)
		}
		want := facts(t, cells, Options{Rounds: 1, X: a.Flag})
		if diff := cmp.Diff(string(written(t, want.JSON)), string(written(t, on.JSON))); diff != "" {
			t.Errorf("axis %s differs from --x %s (-want +got):\n%s", a.Flag, a.Flag, diff)
		}
	}
	none := curve("aggregated", [][2]float64{{20, 90}, {45, 80}})
	tree, _ := pageOf(t, pageFacts(t, none), Extras{})
	if !strings.Contains(tree.text, "cannot use --x e2e, not available in any cell") {
		t.Error("the page does not name the reason why an axis is missing")
	}
}

// 100 cells with all samples of eight GPUs are a page that a mail takes.
func TestThePageOfAHundredCellsIsBelow2MB(t *testing.T) {
	cells := pageCells(4, 9, 3, plainName)
	f, x := pageFacts(t, cells), pageExtras(cells, "dynamo")
	begun := time.Now()
	page := written(t, func(w io.Writer) error { return f.HTML(w, x) })
	t.Logf("%d cells: %d bytes in %v", len(cells), len(page), time.Since(begun))
	if len(page) > 2_000_000 {
		t.Errorf("the page has %d bytes", len(page))
	}
}

func TestSmallChartsHaveOneScale(t *testing.T) {
	watts := func(values ...float64) (samples []artifacts.Sample) {
		for i, v := range values {
			samples = append(samples, artifacts.Sample{T: float64(i), GPUs: []artifacts.GPUSample{{Index: 3, Watts: &v}}})
		}
		return samples
	}
	made := multiples(map[string][]artifacts.Sample{"calm": watts(100, 100), "busy": watts(200, 400)})
	calm, busy := made["calm"][0], made["busy"][0]
	if calm.Range != "100 to 100 W" || busy.Range != "200 to 400 W" || busy.Lines[0].Text != "GPU 3: mean 300 W" {
		t.Errorf("the charts are %+v and %+v", calm, busy)
	}
	if calm.Lines[0].Points != "0,42 240,42" || busy.Lines[0].Points != "0,28 240,1" {
		t.Errorf("the lines are %q and %q", calm.Lines[0].Points, busy.Lines[0].Points)
	}
	if len(calm.Lines) != 1 || len(made["calm"]) != 1 {
		t.Error("values that were not sampled have a chart")
	}
}

// GPU 0 of two hosts are two lines, each with the name of its host.
func TestSmallChartsNameTheHost(t *testing.T) {
	of := func(host string, watts float64) []artifacts.GPUSample {
		return []artifacts.GPUSample{{Host: host, Index: 0, Watts: &watts}}
	}
	lines := multiples(map[string][]artifacts.Sample{"c": {{GPUs: of("", 100)}, {GPUs: of("node1", 300)}}})["c"][0].Lines
	if len(lines) != 2 || lines[0].Text != "GPU 0: mean 100 W" || lines[1].Text != "GPU 0 of node1: mean 300 W" {
		t.Errorf("got %+v", lines)
	}
}

func TestTheTimelineIsDrawnToScale(t *testing.T) {
	v := Timeline{Run: "r", Lanes: []Lane{{Name: "a", Spans: []Span{{Kind: Launching, From: 0, To: 50},
		{Kind: Measuring, From: 50, To: 100, Text: "concurrency 4", Failed: true}}}}}.view()
	bars := v.Lanes[0].Bars
	if bars[0].Width != lanesWidth/2 || bars[1].X != lanesLeft+lanesWidth/2 || bars[1].Class != "span k2 failed" {
		t.Errorf("the bars are %+v", bars)
	}
	if want := "cell, 50 s: from 50 s to 1:40 min, concurrency 4"; bars[1].Text != want {
		t.Errorf("the text is %q, want %q", bars[1].Text, want)
	}
}

// A point outside the SLO is crossed out, and the table names the target that it missed.
func TestThePageCrossesPointsOutsideTheSLOOut(t *testing.T) {
	cells := pageCells(2, 6, 1, plainName)
	f := facts(t, cells, Options{SLO: objectives(t, "ttft_p90=100ms"), Beyond: []Beyond{{"a_b", "artifacts_0", 1, []int{64}}}})
	tree, _ := pageOf(t, f, Extras{})
	crosses := tree.find(func(e *element) bool { return e.name == "path" && e.attrs["fill"] == "none" && e.attrs["class"] == "" })
	outside := 0
	for _, s := range f.Series {
		for _, p := range s.Points {
			if p.SLO.State == slo.Outside {
				outside++
			}
		}
	}
	if outside == 0 || len(crosses) != 3*outside {
		t.Errorf("%d crosses on three axes for %d points outside", len(crosses), outside)
	}
	for _, want := range []string{"outside the SLO: ttft_p90", "crossed out: outside the SLO", "SLO ttft_p90=100ms", "64 skipped"} {
		if !strings.Contains(tree.text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}
