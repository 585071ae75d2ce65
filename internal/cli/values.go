package cli

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"topobench/internal/profile"
)

// decodeInt is how kong reads whole numbers here: as a profile does. By itself it takes
// 010 for 8, and 0x10 and 1_000 as well.
func decodeInt(ctx *kong.DecodeContext, target reflect.Value) error {
	var text string
	if err := ctx.Scan.PopValueInto("int", &text); err != nil {
		return err
	}
	n, err := profile.PlainInt(text)
	target.SetInt(int64(n))
	return err
}

// levels are concurrency levels, as 1,2,4.
type levels []int

func (l *levels) UnmarshalText(text []byte) error {
	for word := range strings.SplitSeq(string(text), ",") {
		n, err := profile.PlainInt(strings.TrimSpace(word))
		if err != nil {
			return err
		}
		*l = append(*l, n)
	}
	return nil
}

// empty tells what was given nothing: a variable of the caller's that is not set, say,
// in whose place a default would be measured.
func empty(args []string) error {
	var faults []error
	for i, arg := range args {
		name, value, given := strings.Cut(arg, "=")
		switch {
		case arg == "" && i > 0 && strings.HasPrefix(args[i-1], "--"):
			name = args[i-1]
		case arg == "":
			name = "an argument"
		case !strings.HasPrefix(name, "--") || !given || value != "":
			continue
		}
		faults = append(faults, fmt.Errorf("%s is empty: name a value, or leave it out", name))
	}
	return errors.Join(faults...)
}

// together joins faults, each told once: two profiles may lack one program.
func together(faults ...error) error {
	told := map[string]bool{}
	return errors.Join(slices.DeleteFunc(flat(errors.Join(faults...)), func(err error) bool {
		again := told[err.Error()]
		told[err.Error()] = true
		return again
	})...)
}

// checkSeed: aiperf takes none below 0, and each level may add its own concurrency.
func checkSeed(seed int) error {
	if seed < 0 || seed > math.MaxInt32 {
		return fmt.Errorf("--seed %d is not from 0 to %d", seed, math.MaxInt32)
	}
	return nil
}

// checkAt: no series is known at a point that is no finite number above 0.
func checkAt(at *float64) error {
	if at != nil && !(*at > 0 && *at <= math.MaxInt32) {
		return fmt.Errorf("--at %g is no tokens per second and user", *at)
	}
	return nil
}
