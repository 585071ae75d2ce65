package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"topobench/internal/artifacts"
	"topobench/internal/text"
)

// Answer is what a run was made for: Sentences, or the frontier of the only series. It is empty if no cell counts.
func (f Facts) Answer() []string {
	if len(f.Comparisons) > 0 {
		return f.Sentences()
	}
	var answers []string
	for _, s := range f.Series {
		if s.curve != nil {
			answers = append(answers, text.Clean(s.extent(f.axis)))
		}
	}
	return answers
}

// extent is the two ends of a frontier: "a_b gives 14.7 tokens/s/gpu at 140.4 tok/s/user and 23.9 at 109.8".
func (s Series) extent(on Axis) string {
	var ends []Point
	for _, p := range s.Points {
		if p.Efficient {
			ends = append(ends, p)
		}
	}
	slices.SortStableFunc(ends, func(a, b Point) int { return cmp.Compare(b.X.Mean, a.X.Mean) })
	fast, busy := ends[0], ends[len(ends)-1]
	at := " tok/s/user" + on.marked()
	sentence := fmt.Sprintf("%s gives %s tokens/s/gpu at %s%s", s.Label, number(fast.Y.Mean), number(fast.X.Mean), at)
	if len(ends) > 1 {
		sentence += fmt.Sprintf(" and %s at %s", number(busy.Y.Mean), number(busy.X.Mean))
	}
	if s.Simulated {
		sentence = "simulated: " + sentence
	}
	c := Comparison{Noted: s.Noted, Notes: s.Notes}
	return sentence + fmt.Sprintf(" (valid cells: %d of %d)", s.Valid, s.Cells) + c.caveats(s, s)
}

// Markdown is the answer in one line to paste, with about (versions and the like), the models of the GPUs where they
// are recorded, the launches of each side and whether an engine was simulated. Without about it names the versions of
// aiperf. It is empty without an answer, and if no comparison has a number because a side has no valid cell.
func (f Facts) Markdown(about ...string) string {
	answer := text.Each(f.Answer(), markdown.Replace)
	measured := func(c Comparison) bool { return c.Measured != nil }
	failed := func(s Series) bool { return s.curve == nil }
	if len(answer) == 0 || slices.ContainsFunc(f.Series, failed) && !slices.ContainsFunc(f.Comparisons, measured) {
		return ""
	}
	if len(about) == 0 {
		for _, r := range f.Rows {
			if r.AIPerf != "" {
				about = union(about, "aiperf "+r.AIPerf)
			}
		}
	}
	about = append(append(slices.Clone(about), f.gpuModels()...), f.launches(), f.engines())
	return "**" + strings.Join(answer, "**; **") + "** (" + markdown.Replace(strings.Join(about, "; ")) + ")"
}

// markdown escapes what Markdown would format; an underscore inside a word stays.
var markdown = strings.NewReplacer("*", `\*`, "`", "\\`", "[", `\[`, "<", "&lt;", "|", `\|`) // constant

func (f Facts) gpuModels() (models []string) {
	for _, r := range f.Rows {
		if model := r.cell.Deployment.Machine[artifacts.GPUModel]; model != "" {
			models = union(models, model)
		}
	}
	return models
}

// launches counts the launches of each side, restarts included: "1 launch a side".
func (f Facts) launches() string {
	var counts, sides []string
	for _, s := range f.Series {
		count := s.launches(f.Rows)
		counts, sides = union(counts, count), append(sides, count+" of "+text.Clean(s.Label))
	}
	switch {
	case len(counts) > 1:
		return strings.Join(sides, ", ")
	case len(sides) > 1:
		return counts[0] + " a side"
	}
	return counts[0]
}

// launches counts those of each artifacts_N by the last launch that measured a cell of it.
func (s Series) launches(rows []Row) string {
	last := map[string]int{} // by artifacts_N
	for _, r := range rows {
		if r.series() == s.Label {
			last[r.Artifacts] = max(last[r.Artifacts], r.Launch, 1)
		}
	}
	n := 0
	for _, launches := range last {
		n += launches
	}
	return text.Count(n, "launch", "launches")
}

// engines reports whether an engine computed nothing. Other programs' trees do not record it, and a command of the
// profile may be anything.
func (f Facts) engines() string {
	if slices.ContainsFunc(f.Series, func(s Series) bool { return s.Simulated }) {
		return "simulated engine"
	}
	var own []string // labels of the sides whose program the profile names
	for _, r := range f.Rows {
		switch r.cell.Deployment.Engine {
		case "":
			return "engine not recorded"
		case "command":
			own = union(own, text.Clean(r.Label))
		}
	}
	switch len(own) {
	case 0:
		return "real engine"
	case len(f.Series):
		return "own command as engine"
	}
	return "own command as engine of " + strings.Join(own, " and ")
}

// Counts reports whether a cell is valid and on a frontier.
func (f Facts) Counts() bool {
	return slices.ContainsFunc(f.Series, func(s Series) bool { return s.curve != nil })
}

// Measured reports whether a cell has a place in the picture, valid or not.
func (f Facts) Measured() bool { return slices.ContainsFunc(f.Rows, f.placed) }
