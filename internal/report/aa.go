package report

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"

	"topobench/internal/artifacts"
	"topobench/internal/stats"
	"topobench/internal/text"
)

// AAName is the file of A/A measurements in an artifacts root.
const AAName = "aa.json"

// AA is the result of one profile measured as two sides, arms A and B: their ratio is 1 but for the noise of the node.
type AA struct {
	Label      string           `json:"label" help:"series that was measured twice, arms A and B"`
	Resolvable float64          `json:"resolvable" help:"smallest difference that is resolved; 0.021 is 2.1 %"`
	Rounds     int              `json:"rounds" help:"rounds behind it"`
	Confidence float64          `json:"confidence" help:"level of the interval"`
	X          string           `json:"x" help:"axis of the reading: user, p90 or e2e"`
	At         float64          `json:"at" help:"tokens/s/user of the reading"`
	Ratio      float64          `json:"ratio" help:"B / A, geometric mean over the rounds"`
	Second     float64          `json:"second_ratio" help:"second launch of a round / first: the position effect"`
	Simulated  bool             `json:"simulated" help:"true if the engine computes nothing"`
	Host       string           `json:"host" help:"machine; empty if it is not recorded"`
	Setup      artifacts.Values `json:"setup" help:"work and requests; a ratio with the same ones names the result"`
}

// AAKeys are the keys of aa.json, each with its meaning.
func AAKeys() (keys [][2]string) {
	for field := range reflect.TypeFor[AA]().Fields() {
		keys = append(keys, [2]string{field.Tag.Get("json"), field.Tag.Get("help")})
	}
	return keys
}

// arms reports whether two series are one profile measured twice.
func arms(base, other Series) bool {
	return base.arm != "" && other.arm != "" && base.plain == other.plain
}

// newAA judges an A/A measurement. position has the interval of the second launch of a round against the first.
func newAA(r reading, base Series) (aa AA, position stats.Ratio) {
	var ratios []float64
	for _, round := range r.rounds {
		if round.second {
			ratios = append(ratios, round.Ratio)
		} else {
			ratios = append(ratios, 1/round.Ratio)
		}
	}
	position = stats.Paired(ratios)
	return AA{Label: base.plain, Resolvable: stats.HalfWidth(r.interval.SD, len(r.rounds)), Rounds: len(r.rounds),
		Confidence: stats.Confidence, At: r.At, Ratio: r.Ratio, Second: position.Value, Simulated: base.Simulated,
		Host: base.host, Setup: base.work()}, position
}

// work is the part of a setup that two ratios must share for one node's noise to apply to both.
func (s Series) work() artifacts.Values {
	values := artifacts.Values{}
	for _, t := range slices.Concat(s.workload(), s.requests(), s.hardware()) {
		if t.value != "" {
			values[t.name] = t.value
		}
	}
	return values
}

// conclude is the verdict behind the ratio, or for an A/A measurement what the node resolves.
func (c *Comparison) conclude(r reading, base, other Series, x string) string {
	if r.unpaired == separate {
		return "" // Judge has terms of its own
	}
	if !arms(base, other) || r.unpaired != "" || !r.interval.Bounded {
		return c.verdictText()
	}
	aa, position := newAA(r, base)
	aa.X = x
	c.aa = &aa
	sentence := ": " + aa.limit() + fmt.Sprintf(" on this node with %d rounds", aa.Rounds)
	if position.Low > 1 || position.High < 1 {
		sentence += "; the second launch of a round is " + apartBy(position.Value) + ": position effect"
	}
	if r.interval.Low > 1 || r.interval.High < 1 {
		sentence += "; B is " + apartBy(r.Ratio) + ", with one profile on both sides: the node drifts, or chance"
	}
	return sentence
}

// limit is what the node does not resolve. A simulated engine may repeat itself to the last digit.
func (a AA) limit() string {
	return "differences below " + roughly(max(0.0001, a.Resolvable)) + " are not resolved"
}

// apartBy is a ratio as "1.3 % slower".
func apartBy(ratio float64) string {
	if ratio < 1 {
		return roughly(1-ratio) + " slower"
	}
	return roughly(ratio-1) + " faster"
}

// beside names the last A/A measurement of this node with the work of both sides on the axis. An A/A measurement has a
// limit of its own, and the known one may be the same.
func beside(known []AA, base, other Series, x string) string {
	a, ok := applicable(known, base, other, x)
	if !ok || arms(base, other) {
		return ""
	}
	return fmt.Sprintf(" (A/A of %s on this node: %s with %d rounds)", a.Label, a.limit(), a.Rounds)
}

// applicable is the last A/A measurement of the node and the work of both sides on the axis: the noise of another one
// is another.
func applicable(known []AA, base, other Series, x string) (AA, bool) {
	for _, a := range slices.Backward(known) {
		same := a.Host != "" && a.axis() == x
		for _, s := range []Series{base, other} {
			same = same && a.Host == s.host && a.Simulated == s.Simulated && maps.Equal(a.Setup, s.work())
		}
		if same {
			return a, true
		}
	}
	return AA{}, false
}

// axis is that of the reading: the guide's in a file that does not have it.
func (a AA) axis() string { return cmp.Or(a.X, Axes()[0].Flag) }

// AA are the A/A measurements among the comparisons.
func (f Facts) AA() (all []AA) {
	for _, c := range f.Comparisons {
		if c.aa != nil {
			all = append(all, *c.aa)
		}
	}
	return all
}

// ReadAA reads the A/A measurements of an artifacts root. No file is no error.
func ReadAA(root string) (all []AA, err error) {
	data, err := os.ReadFile(filepath.Join(root, AAName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &all)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the A/A measurements in %s: %w: move the file away",
			filepath.Join(root, AAName), err)
	}
	return all, nil
}

// KeepAA adds measurements to those that an artifacts root has. A new one replaces that of the same label, host,
// axis and work.
func KeepAA(root string, measured []AA) error {
	known, err := ReadAA(root)
	if err != nil {
		return err
	}
	known = slices.DeleteFunc(known, func(k AA) bool {
		return slices.ContainsFunc(measured, func(m AA) bool {
			return k.Label == m.Label && k.Host == m.Host && k.axis() == m.axis() && maps.Equal(k.Setup, m.Setup)
		})
	})
	data, err := json.MarshalIndent(append(known, measured...), "", "  ")
	if err == nil {
		err = text.WriteFile(filepath.Join(root, AAName), append(data, '\n'), 0o644)
	}
	if err != nil {
		return fmt.Errorf("cannot write %s: %w", filepath.Join(root, AAName), err)
	}
	return nil
}
