package cli

import (
	"fmt"
	"path/filepath"

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
