package preflight

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"topobench/internal/profile"
	"topobench/internal/text"
)

// Comparable refuses profiles that do not fit on one chart: different loads, a label or a name twice. All reasons
// at once.
func Comparable(profiles []profile.Profile) error {
	var faults []error
	for i, p := range profiles {
		if i > 0 {
			faults = append(faults, sameLoad(profiles[0], p))
		}
		for _, q := range profiles[:i] {
			if strings.EqualFold(p.Name, q.Name) {
				faults = append(faults, fmt.Errorf("%s and %s have one name, %s: rename one of them",
					q.Source, p.Source, p.Name))
			}
			if p.Label() == q.Label() {
				faults = append(faults, fmt.Errorf("%s and %s would be one series, %s: change kind in one of them",
					q.Source, p.Source, p.Label()))
			}
		}
	}
	return errors.Join(faults...)
}

// comparable checks the profiles, and the label of the baseline: a misspelt one must not be found out after the
// last cell.
func comparable(profiles []profile.Profile, baseline string) []Check {
	if len(profiles) == 0 {
		return nil
	}
	checks := failed(Comparability, Comparable(profiles), "all profiles have the same load, and a label each")
	labels := text.Each(profiles, profile.Profile.Label)
	if baseline != "" && !slices.Contains(labels, baseline) {
		checks = append(checks, fail(Comparability, fmt.Sprintf("--baseline %s is no series of this run", baseline),
			"choose one of "+strings.Join(labels, ", ")))
	}
	return checks
}

func sameLoad(a, b profile.Profile) error {
	var differ []string
	orNone := func(value any) any {
		if value == "" {
			return "not given"
		}
		return value
	}
	compare := func(key string, x, y any) {
		if !reflect.DeepEqual(x, y) {
			differ = append(differ, fmt.Sprintf("%s is %v in %s and %v in %s",
				key, orNone(x), a.Source, orNone(y), b.Source))
		}
	}
	compare("load.isl", a.Load.ISL, b.Load.ISL)
	compare("load.osl", a.Load.OSL, b.Load.OSL)
	compare("load.concurrency", a.Load.Concurrency, b.Load.Concurrency)
	compare("load.exact", a.Load.Exact, b.Load.Exact)
	compare("load.slo", a.Load.SLO, b.Load.SLO)
	compare("model", a.Model, b.Model)
	compare("served_name", a.ServedName, b.ServedName)
	compare("tokenizer", a.Tokenizer, b.Tokenizer)
	if len(differ) == 0 {
		return nil
	}
	return fmt.Errorf("the topologies of one run need one load: %s\n"+
		"  (flags such as --isl, --osl, --concurrency and --model set it for all)", strings.Join(differ, "; "))
}
