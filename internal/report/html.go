package report

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"

	"topobench/internal/chart"
	"topobench/internal/text"
	"topobench/templates"
)

// Page is the file name of the page.
func (f Facts) Page() string { return "report" + f.axis.File + ".html" }

// pageView is the content of the page in the form of its template.
type pageView struct {
	Title, Policy string
	Style         template.CSS
	Script        template.JS
	About         []string
	Panels        []panelView
	NoAxis        []string // axes that no cell has, with the cause
	Warnings      []string
	Cells, Means  gridView
	Differences   []gridView
	Settings      []gridView // all of them
	Validity      []validityView
	Skipped       []string
	Same          string // where no setting differs
	Beyond        []string
	Groups        []groupView
	Provenance    []launchView
	Timelines     []lanesView
	Legend        []barView // of the timelines
	Extras
}

// fewSentences fit above the chart without hiding it.
const fewSentences = 2

// panelView is the answer on one axis.
type panelView struct {
	Axis, Name, Help string
	Headlines        []headlineView
	Sentences        []string
	Many             bool // the sentences are below the chart
	Chart            chartView
	Readings         []gridView
}

// headlineView is a ratio with its interval in a few words, before the sentence.
type headlineView struct{ Ratio, Sides, Interval string }

// chartView is the chart with a link in each point, and its legend.
type chartView struct {
	chart.Parts
	Width, Height int
	XName, YName  string
	Points        []pointView
	Legend        []legendView
	Rings         bool
	Outside       bool // a point is outside the SLO
}

type pointView struct {
	chart.Dot
	Href, Text string
}

type legendView struct {
	chart.Dot
	Name string
}

// HTML writes the page: one file without any other, which a browser shows with and without scripts. All texts in it
// are data for html/template, and the policy in its head allows the one script and the one style sheet by their hash.
func (f Facts) HTML(w io.Writer, x Extras) error {
	view, err := f.page(x)
	if err != nil {
		return err
	}
	made, err := template.New("").Parse(templates.Report)
	if err != nil {
		return fmt.Errorf("cannot read the template of the page: %w", err)
	}
	var page bytes.Buffer
	if err := made.ExecuteTemplate(&page, "page", view); err != nil {
		return fmt.Errorf("cannot make the page: %w", err)
	}
	if _, err := w.Write(page.Bytes()); err != nil {
		return fmt.Errorf("cannot write the page: %w", err)
	}
	return nil
}

// everyAxis is the cells on each axis that they have, and why they lack the others.
func (f Facts) everyAxis() (shown []Facts, missing []string) {
	for _, a := range axes(f.Stat) {
		on, err := f.on(a.Flag)
		if err != nil {
			missing = append(missing, text.Clean(err.Error()))
			continue
		}
		shown = append(shown, on)
	}
	return shown, missing
}

func (f Facts) page(x Extras) (pageView, error) {
	shown, missing := f.everyAxis()
	v := pageView{Title: text.Clean(f.Title), Style: template.CSS(templates.ReportStyle), Extras: x.clean(),
		Script: template.JS(templates.ReportScript), About: f.about(x), Cells: f.cellGrid(shown), NoAxis: missing,
		Means:       f.meanGrid(),
		Differences: differences(f), Settings: f.settingGrids(), Validity: f.validity(),
		Warnings: text.Each(f.Warnings, text.Clean), Skipped: text.Each(f.Skipped, text.Clean),
		Beyond: text.Each(f.Beyond, Beyond.String)}
	v.Policy = "default-src 'none'; script-src " + hash(templates.ReportScript) + "; style-src " +
		hash(templates.ReportStyle) + "; base-uri 'none'; form-action 'none'"
	for _, on := range shown {
		panel, err := on.panel()
		if err != nil {
			return v, err
		}
		v.Panels = append(v.Panels, panel)
	}
	if v.Same = "There is one side."; len(f.Series) > 1 {
		v.Same = "No setting that is recorded on both sides differs."
	}
	isChosen := func(p panelView) bool { return p.Axis == f.X }
	chosen := slices.IndexFunc(v.Panels, isChosen)
	v.Panels = slices.Insert(slices.DeleteFunc(slices.Clone(v.Panels), isChosen), 0, v.Panels[chosen])
	v.Groups = f.groups(multiples(x.Samples))
	v.Provenance = f.launchViews(x)
	for _, t := range x.Timelines {
		v.Timelines = append(v.Timelines, t.view())
	}
	for _, kind := range SpanKinds() {
		v.Legend = append(v.Legend, barView{Class: Span{Kind: kind}.class(), Text: string(kind)})
	}
	v.Legend = append(v.Legend, barView{Class: "span failed", Text: "failed or not valid"})
	return v, nil
}

// hash is the source expression of an inline script or style in a policy.
func hash(content string) string {
	sum := sha256.Sum256([]byte(content))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// about is the scope of the page in a few words.
func (f Facts) about(x Extras) (lines []string) {
	valid := 0
	for _, s := range f.Series {
		valid += s.Valid
	}
	lines = append(lines, fmt.Sprintf("%d series, %s, %d of them valid", len(f.Series),
		text.Count(len(f.Rows), "cell", "cells"), valid))
	var models []string
	for _, s := range f.Series {
		if s.Model != "" {
			models = union(models, text.Clean(s.Model))
		}
	}
	lines = append(lines, models...)
	lines = append(lines, text.Each(f.gpuModels(), text.Clean)...)
	if len(f.Rows) > 0 {
		lines = append(lines, f.engines())
	}
	if f.SLO != "" {
		lines = append(lines, text.Clean("SLO "+f.SLO))
	}
	if x.Version != "" {
		lines = append(lines, text.Clean("topobench "+x.Version))
	}
	return lines
}

// panel is the answer on the axis of the facts.
func (f Facts) panel() (panelView, error) {
	v := panelView{Axis: f.X, Name: "tok/s/user " + cmp.Or(f.axis.Mark, f.Stat), Help: f.axis.Help,
		Sentences: text.Each(f.Answer(), text.Clean)}
	v.Many = len(v.Sentences) > fewSentences
	for _, c := range f.Comparisons {
		if c.Measured != nil {
			v.Headlines = append(v.Headlines, c.headline())
		}
		if grid := c.readingGrid(); len(grid.Rows) > 0 {
			v.Readings = append(v.Readings, grid)
		}
	}
	if len(v.Sentences) == 0 {
		v.Sentences = []string{"no cell counts on this axis: there is no answer"}
	}
	var err error
	v.Chart, err = f.chartView()
	return v, err
}

// headline has the words that a ratio must not be quoted without.
func (c Comparison) headline() headlineView {
	h := headlineView{Sides: text.Clean(c.Other + " against " + c.Baseline), Interval: "no interval"}
	places := 2
	if c.RatioLow != nil {
		m := c.Measured
		places = ratioDecimals(intervalOf(m.Ratio, *c.RatioLow, *c.RatioHigh))
		h.Interval = fmt.Sprintf("%s interval %.*f to %.*f%s", percent(*c.Confidence), places, *c.RatioLow, places,
			*c.RatioHigh, c.verdictText())
	}
	h.Ratio = fmt.Sprintf("%.*fx", places, *c.Ratio)
	if c.Simulated {
		h.Interval = "simulated; " + h.Interval
	}
	return h
}

// chartView links each point with the cells behind it.
func (f Facts) chartView() (chartView, error) {
	picture := f.Picture()
	parts, err := chart.PartsOf(picture)
	if err != nil {
		return chartView{}, err
	}
	v := chartView{Parts: parts, Width: chart.PartsWidth, Height: chart.PartsHeight, XName: picture.XName,
		YName: picture.YName}
	for i, s := range picture.Series {
		v.Legend = append(v.Legend, legendView{chart.Mark(i), text.Clean(s.Name)})
	}
	for _, d := range parts.Dots {
		v.Rings, v.Outside = v.Rings || d.Hollow, v.Outside || d.Outside
		s := f.Series[d.Series]
		if behind := d.Point - len(s.Points); behind >= 0 {
			r := f.alone(s)[behind]
			v.Points = append(v.Points, pointView{d, "#" + group(d.Series, r.Concurrency), r.describe(f.axis)})
			continue
		}
		p := s.Points[d.Point]
		v.Points = append(v.Points, pointView{d, "#" + group(d.Series, p.Concurrency), f.describe(s, p)})
	}
	return v, nil
}

// clean makes the texts of others safe to show.
func (x Extras) clean() Extras {
	x.Command = text.Clean(x.Command)
	x.Missing = text.Each(x.Missing, text.Clean)
	x.Logs, x.Scripts = slices.Clone(x.Logs), slices.Clone(x.Scripts)
	for i, l := range x.Logs {
		x.Logs[i] = Log{text.Clean(l.Name), text.Clean(l.Cause), text.Clean(l.Path), text.Each(l.Lines, text.Clean)}
	}
	x.Deviations = slices.Clone(x.Deviations)
	for i, d := range x.Deviations {
		x.Deviations[i] = Deviating{text.Clean(d.ID), text.Clean(d.Guide), text.Clean(d.Done), text.Clean(d.Why),
			text.Clean(d.Since), text.Each(d.Topologies, text.Clean)}
	}
	for i, s := range x.Scripts {
		x.Scripts[i] = Script{text.Clean(s.Name), cleanLines(s.Text)}
	}
	return x
}

// cleanLines keeps the lines and the indentation of a text.
func cleanLines(s string) string {
	lines := strings.Split(strings.ReplaceAll(s, "\t", "    "), "\n")
	return strings.Join(text.Each(lines, text.Clean), "\n")
}
