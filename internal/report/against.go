package report

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"

	"topobench/internal/stats"
	"topobench/internal/text"
)

// MaxLoss is the default of Terms.MaxLoss.
const MaxLoss = 0.03

// Terms are the choices of a comparison with a baseline.
type Terms struct {
	At      *float64          // tokens/s/user; nil is the middle of the range that both sides share
	MaxLoss float64           // a ratio of 1 - MaxLoss is no loss
	As      map[string]string // label of the other side by label of the baseline, where they differ
	Only    []string          // labels of the baseline; default all
}

// Result is the outcome for a label.
type Result string

// The results.
const (
	NotWorse    Result = "not worse"
	Undecided   Result = "inconclusive"
	NotCompared Result = "not compared"
	WorseThan   Result = "worse"
)

// Meaning is a result with its rule.
type Meaning struct {
	Result  Result
	Meaning string
}

// Results is the table of the results, the worst last.
func Results() []Meaning {
	return []Meaning{
		{NotWorse, "the whole interval is at or above 1 - max-loss, or the ratio is and there is no interval"},
		{Undecided, "the interval has 1 - max-loss inside, or the ratio is below it and there is no interval"},
		{NotCompared, "there is no ratio: no shared tok/s/user, other work, no valid cell, or no such label"},
		{WorseThan, "the whole interval is below 1 - max-loss; without one, the ratio is below it and an A/A " +
			"measurement of the label with the same work and host resolves the difference"},
	}
}

// Against is a campaign against a baseline. The worst label decides.
type Against struct {
	Baseline string   `json:"baseline"` // path
	Other    string   `json:"other"`
	X        string   `json:"x"` // axis: user, p90 or e2e
	MaxLoss  float64  `json:"max_loss"`
	Result   Result   `json:"result"`
	Labels   []Pair   `json:"labels"`
	New      []string `json:"new"`  // labels that the baseline lacks
	Left     []string `json:"left"` // labels of the baseline that were left out
}

// Count is a number of launches with a value at the tokens/s/user of the reading, of all launches of a side.
type Count struct {
	Counted int `json:"counted"`
	Of      int `json:"of"`
}

// Pair is one label on both sides. Numbers that do not exist are null.
type Pair struct {
	Label         string   `json:"label"`
	BaselineLabel string   `json:"baseline_label"`
	Result        Result   `json:"result"`
	Differ        []Unlike `json:"differ"` // in the setups
	At            *float64 `json:"at"`     // tokens/s/user
	Baseline      *float64 `json:"baseline"`
	Other         *float64 `json:"other"` // tokens/s/gpu
	Ratio         *float64 `json:"ratio"`
	RatioLow      *float64 `json:"ratio_low"`
	RatioHigh     *float64 `json:"ratio_high"`
	Confidence    *float64 `json:"confidence"`
	Launches      [2]Count `json:"launches"` // of the baseline, and of the other side
	AA            *AA      `json:"aa"`       // that applies, if a side has one launch
	Resolvable    *float64 `json:"resolvable"`
	Simulated     bool     `json:"simulated"`
	Sentence      string   `json:"sentence"`

	absent bool // from the other side
}

// Judge compares each label of a baseline with the other campaign. It fails if the terms have labels that no side has,
// or if the axes differ.
func Judge(base, other Campaign, t Terms) (Against, error) {
	a := Against{Baseline: base.From, Other: other.From, X: other.X, MaxLoss: t.MaxLoss, Result: NotWorse,
		Labels: []Pair{}, New: []string{}, Left: []string{}}
	if err := t.check(base, other); err != nil {
		return a, err
	}
	var used []string
	for _, l := range base.Labels {
		if len(t.Only) > 0 && !slices.Contains(t.Only, l.Label) {
			a.Left = append(a.Left, l.Label)
			continue
		}
		name := cmp.Or(t.As[l.Label], l.Label)
		used = append(used, name)
		pair := Pair{Label: name, BaselineLabel: l.Label, Result: NotCompared, Differ: []Unlike{}}
		if i := slices.Index(other.names(), name); i >= 0 {
			pair.judge(l, other.Labels[i], slices.Concat(base.AA, other.AA), t, other.X)
		} else {
			pair.absent = true
			pair.Sentence = text.Clean(fmt.Sprintf("no number for %s: %s has no such label, but %s: rename it with "+
				"--as %s=NEW, or choose others with --only", name, other.From, strings.Join(other.names(), ", "),
				l.Label))
		}
		a.Labels = append(a.Labels, pair)
		a.Result = worst(a.Result, pair.Result)
	}
	for _, name := range other.names() {
		if !slices.Contains(used, name) {
			a.New = append(a.New, name)
		}
	}
	if len(a.Labels) == 0 {
		a.Result = NotCompared
	}
	return a, nil
}

func worst(a, b Result) Result {
	var all []Result
	for _, r := range Results() {
		all = append(all, r.Result)
	}
	return all[max(slices.Index(all, a), slices.Index(all, b))]
}

func (c Campaign) names() []string {
	return text.Each(c.Labels, func(l Label) string { return l.Label })
}

// Deciding are the labels with the result of the whole.
func (a Against) Deciding() (labels []string) {
	for _, p := range a.Labels {
		if p.Result == a.Result {
			labels = append(labels, text.Clean(p.Label))
		}
	}
	return labels
}

// check reports all labels of the terms that no side has.
func (t Terms) check(base, other Campaign) error {
	var faults []error
	unknown := func(flag, label string, side Campaign) {
		if !slices.Contains(side.names(), label) {
			faults = append(faults, fmt.Errorf("cannot use %s: %s has no label %s, but %s", flag, text.Clean(side.From),
				label, text.Clean(strings.Join(side.names(), ", "))))
		}
	}
	for _, old := range slices.Sorted(maps.Keys(t.As)) {
		flag := "--as " + old + "=" + t.As[old]
		unknown(flag, old, base)
		unknown(flag, t.As[old], other)
	}
	for _, label := range t.Only {
		unknown("--only "+label, label, base)
	}
	if base.X != other.X {
		faults = append(faults, fmt.Errorf("cannot compare points of --x %s (%s) with points of --x %s (%s): give the "+
			"--x that the baseline was saved with", base.X, base.From, other.X, other.From))
	}
	return errors.Join(faults...)
}

// judge reads both sides at one tokens/s/user.
func (p *Pair) judge(base, other Label, known []AA, t Terms, x string) {
	p.Differ, p.Simulated = unlike(base, other), base.Simulated || other.Simulated
	b, o := base.series(base.Label+" (baseline)"), other.series(other.Label)
	c := compare(b, o, Options{Stat: "avg", X: x, At: t.At, Equivalence: Equivalence})
	if p.Sentence = c.Sentence; c.Measured == nil {
		return
	}
	r := c.reading
	p.At, p.Baseline, p.Other, p.Ratio = &r.At, &r.Baseline, &r.Other, c.Ratio
	p.RatioLow, p.RatioHigh, p.Confidence = c.RatioLow, c.RatioHigh, c.Confidence
	for side := range p.Launches {
		p.Launches[side] = Count{r.counted[side], r.of[side]}
	}
	if min(r.counted[0], r.counted[1]) == 1 {
		unfit := func(a AA) bool { return a.Label != base.Label && a.Label != other.Label || a.Rounds < 2 }
		if aa, ok := applicable(slices.DeleteFunc(slices.Clone(known), unfit), b, o, x); ok {
			p.AA, p.Resolvable = &aa, new(aa.between(r.counted))
		}
	}
	p.Result = p.decide(r, t.MaxLoss)
	p.Sentence += text.Clean(": " + p.reason(r, t.MaxLoss))
}

// decide is the result of a pair with a ratio. Without an interval it may be worse only if an A/A measurement resolves
// the difference.
func (p *Pair) decide(r reading, maxLoss float64) Result {
	limit := 1 - maxLoss
	switch {
	case r.interval.Bounded && r.interval.High < limit:
		return WorseThan
	case r.interval.Bounded && r.interval.Low >= limit:
		return NotWorse
	case r.interval.Bounded, min(r.counted[0], r.counted[1]) > 1:
		return Undecided
	case r.Ratio >= limit:
		return NotWorse
	case p.Resolvable != nil && 1/r.Ratio-1 > *p.Resolvable:
		return WorseThan
	}
	return Undecided
}

// reason is the end of the sentence.
func (p *Pair) reason(r reading, maxLoss float64) string {
	resolves := ""
	if p.AA != nil {
		resolves = fmt.Sprintf("the A/A of %s on this node resolves %s between so few launches", p.AA.Label,
			roughly(max(0.0001, *p.Resolvable)))
	}
	switch {
	case p.Result == NotWorse:
		return "not worse than the baseline by more than " + percent(maxLoss)
	case p.Result == WorseThan && resolves != "":
		return "worse than the baseline by more than " + percent(maxLoss) + ": " + resolves
	case p.Result == WorseThan:
		return "worse than the baseline by more than " + percent(maxLoss)
	case r.interval.Bounded:
		return fmt.Sprintf("inconclusive: %s is within the interval; more rounds make it narrower (run --repeats)",
			significant(1-maxLoss, 4))
	case min(r.counted[0], r.counted[1]) > 1:
		return "inconclusive: the launches of a side are too far apart for an interval"
	case resolves != "":
		return "one launch: not separable from noise: " + resolves
	}
	return "one launch: not separable from noise; more launches of both sides give an interval (run --repeats)"
}

// between is the smallest difference that is resolved between so many launches a side. The spread of a ratio in one
// round is that of two launches; it is not smaller than 0 where a simulated engine repeats itself.
func (a AA) between(launches [2]int) float64 {
	perSide := (1/float64(launches[0]) + 1/float64(launches[1])) / 2
	return math.Expm1(math.Log1p(a.Resolvable) * math.Sqrt(float64(a.Rounds)*perSide))
}

// JSON writes the comparison, indented.
func (a Against) JSON(w io.Writer) error {
	to := json.NewEncoder(w)
	to.SetEscapeHTML(false)
	to.SetIndent("", "  ")
	if err := to.Encode(a); err != nil {
		return fmt.Errorf("cannot write the JSON: %w", err)
	}
	return nil
}

// Markdown is the comparison as a table to paste, with a line for each label.
func (a Against) Markdown() string {
	level := percent(stats.Confidence)
	lines := []string{
		"| label | tok/s/user | baseline tok/s/gpu | tok/s/gpu | ratio | " + level + " interval | launches | result |",
		"| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |"}
	for _, p := range a.Labels {
		lines = append(lines, "| "+strings.Join(p.fields(), " | ")+" |")
	}
	return strings.Join(lines, "\n")
}

func (p Pair) fields() []string {
	name := p.Label
	if p.BaselineLabel != p.Label {
		name += " (was " + p.BaselineLabel + ")"
	}
	if p.Simulated {
		name = "simulated: " + name
	}
	fields := []string{markdown.Replace(text.Clean(name)), "-", "-", "-", "-", "-", "-", string(p.Result)}
	if p.Ratio == nil {
		return fields
	}
	places := ratioPlaces(*p.Ratio)
	if p.RatioLow != nil {
		r := stats.Ratio{Low: *p.RatioLow, High: *p.RatioHigh}
		places = ratioDecimals(r)
		fields[5] = fmt.Sprintf("%.*f to %.*f", places, r.Low, places, r.High)
	}
	fields[1], fields[2], fields[3] = number(*p.At), number(*p.Baseline), number(*p.Other)
	fields[4] = fmt.Sprintf("%.*fx", places, *p.Ratio)
	was, is := p.Launches[0], p.Launches[1]
	fields[6] = fmt.Sprintf("%d of %d against %d of %d", is.Counted, is.Of, was.Counted, was.Of)
	return fields
}
