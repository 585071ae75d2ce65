package gpu

import (
	"strconv"
	"strings"
	"time"
)

// sampleFields come first in a sample. The mask of the reasons for throttled clocks follows, where the driver has it.
const sampleFields = "timestamp,index,utilization.gpu,memory.used,power.draw,clocks.sm,clocks.mem"

// SampleReasons are the names of that mask, the newest first: that of driver 535, an older one, none.
func SampleReasons() []string {
	return []string{",clocks_event_reasons.active", ",clocks_throttle_reasons.active", ""}
}

// NoField reports whether nvidia-smi refused a field of its query.
func NoField(output string) bool { return strings.Contains(output, "is not a valid field") }

// SampleArgs make nvidia-smi print a line for each device every period, until it is ended. Its times are in UTC if
// SampleZone is in its environment.
func SampleArgs(devices []int, reasons string, period time.Duration) []string {
	var ids []string
	for _, index := range devices {
		ids = append(ids, strconv.Itoa(index))
	}
	return []string{"--query-gpu=" + sampleFields + reasons, "--format=csv,noheader,nounits",
		"-i", strings.Join(ids, ","), "-lms", strconv.FormatInt(period.Milliseconds(), 10)}
}

// SampleZone keeps the times of samples from the jumps of daylight saving.
const SampleZone = "TZ=UTC"

// Reading is one device at one moment. nil is a value that the driver does not report.
type Reading struct {
	At                            time.Time
	Index                         int
	Busy, Used, Watts, SM, Memory *float64 // percent, MiB, watts, MHz, MHz
	Slowed                        []string
}

// ParseReadings reads the lines of SampleArgs. It skips others: nvidia-smi reports faults among them, and a log that
// was cut has a hole.
func ParseReadings(text string) (all []Reading) {
	for line := range strings.Lines(text) {
		f := strings.Split(strings.TrimSpace(line), separator)
		columns := strings.Count(sampleFields, ",") + 1
		if len(f) != columns && len(f) != columns+1 || !strings.HasSuffix(line, "\n") {
			continue
		}
		at, err := time.Parse("2006/01/02 15:04:05.000", f[0]) // in UTC
		index, bad := strconv.Atoi(f[1])
		if err != nil || bad != nil {
			continue
		}
		r := Reading{At: at, Index: index, Busy: value(f[2]), Used: value(f[3]), Watts: value(f[4]), SM: value(f[5]),
			Memory: value(f[6])}
		if len(f) > columns {
			r.Slowed = slowed(f[columns])
		}
		all = append(all, r)
	}
	return all
}

// value is nil for an open one.
func value(word string) *float64 {
	n, err := strconv.ParseFloat(word, 64)
	if err != nil || n < 0 {
		return nil
	}
	return &n
}
