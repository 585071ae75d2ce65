package cli

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"topobench/internal/artifacts"
	"topobench/internal/profile"
	"topobench/internal/text"
)

// decodeInt makes kong read whole numbers as a profile does. By default it reads 010 as 8, and accepts 0x10 and 1_000.
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

func (l levels) String() string {
	return strings.Join(text.Each(l, strconv.Itoa), ",")
}

// duration is a flag such as 45m. It refuses a number without a unit. It also refuses 0, which means that the flag
// is absent.
type duration time.Duration

func (d *duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err == nil && v <= 0 {
		err = fmt.Errorf("%s is not more than 0: use a duration such as 45m", text)
	}
	*d = duration(v)
	return err
}

func (d duration) value() time.Duration { return time.Duration(d) }

// size is a number of bytes such as 256MiB; 0 needs no unit.
type size uint64

func (s *size) UnmarshalText(text []byte) error {
	digits := strings.TrimRight(string(text), "KMGTiB")
	units := map[string]int{"": 0, "B": 0, "KiB": 10, "MiB": 20, "GiB": 30, "TiB": 40} // log2 of the bytes
	shift, known := units[string(text[len(digits):])]
	n, err := strconv.ParseUint(digits, 10, 64)
	if err != nil || !known || n > math.MaxInt64>>shift || shift == 0 && n > 0 && string(text) == digits {
		return fmt.Errorf("%q is not a size such as 256MiB or 2GiB", text)
	}
	*s = size(n << shift)
	return nil
}

func (s size) String() string { return artifacts.Size(s).String() }

// rejectEmpty refuses empty flags and arguments, for example from an unset shell variable. Otherwise topobench would
// measure the default.
func rejectEmpty(args []string) error {
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
		faults = append(faults, fmt.Errorf("%s is empty: give it a value, or omit it", name))
	}
	return errors.Join(faults...)
}

// joinUnique joins faults with different texts. Two profiles may lack the same program.
func joinUnique(faults ...error) error {
	seen := map[string]bool{}
	return errors.Join(slices.DeleteFunc(flatten(errors.Join(faults...)), func(err error) bool {
		again := seen[err.Error()]
		seen[err.Error()] = true
		return again
	})...)
}

// checkSeed refuses a seed below 0, which aiperf does not take. A level may add its concurrency to the seed, so the
// limit is 32 bits.
func checkSeed(seed int) error {
	if seed < 0 || seed > math.MaxInt32 {
		return fmt.Errorf("--seed %d is not from 0 to %d", seed, math.MaxInt32)
	}
	return nil
}

// checkAt refuses --at unless it is finite and above 0.
func checkAt(at *float64) error {
	if at != nil && !(*at > 0 && *at <= math.MaxInt32) {
		return fmt.Errorf("--at %g is not a number of tokens per second and user: use one above 0", *at)
	}
	return nil
}
