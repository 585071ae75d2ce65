package cli

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"topobench/internal/report"
	"topobench/internal/ui"
)

// mostEquivalence bounds --equivalence: a ratio of 1.5 is a difference to everybody.
const mostEquivalence = 0.5

// ratioFlags judge the interval of a ratio.
type ratioFlags struct {
	Equivalence percent `default:"3%" placeholder:"3%" help:"Ratios this close to 1 are no difference (${default})."`
}

func (f ratioFlags) check() error {
	if part := float64(f.Equivalence); !(part > 0 && part <= mostEquivalence) {
		return fmt.Errorf("--equivalence %v is not above 0%% and at most %v", f.Equivalence, percent(mostEquivalence))
	}
	return nil
}

// percent is a part such as 3%. It needs its sign: 0.03 could be either.
type percent float64

func (p *percent) UnmarshalText(text []byte) error {
	digits, signed := strings.CutSuffix(string(text), "%")
	v, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
	if err != nil || !signed {
		return fmt.Errorf("%q is not a percentage such as 3%%", text)
	}
	*p = percent(v / 100)
	return nil
}

func (p percent) String() string { return strconv.FormatFloat(100*float64(p), 'g', 6, 64) + "%" }

// knownAA are the A/A measurements of a root. A file that cannot be read is reported, and named by no ratio.
func knownAA(env *Env, root string) []report.AA {
	known, err := report.ReadAA(root)
	if err != nil {
		printAll(env.Stderr, []string{err.Error()}, "topobench: ")
	}
	return known
}

// keepAA writes the A/A measurement of a run.
func keepAA(out *ui.Printer, facts report.Facts, root string) error {
	measured := facts.AA()
	if len(measured) == 0 {
		return nil
	}
	if err := report.KeepAA(root, measured); err != nil {
		return err
	}
	out.Print("wrote " + filepath.Join(root, report.AAName))
	return nil
}
