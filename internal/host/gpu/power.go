package gpu

import (
	"context"
	"errors"
	"slices"
	"strings"
)

// Power is what the driver reports about the power of a device, as "700 W", and about the clock of its SMs, as
// "1980 MHz". A value is "" where it is unknown: a device without the feature, or an older driver.
type Power struct {
	Index           string
	Driver          string // version
	Clock, MaxClock string
	Limit, Default  string
}

// Power queries the power limits, the clocks and the driver. It has no error, since a run does not depend on them; a
// device that does not answer is absent.
func (m SMI) Power(ctx context.Context) []Power {
	var all []Power
	// Not every driver has clocks and a default limit.
	for _, fields := range [][]string{
		{"index", "driver_version", "power.limit", "power.default_limit", "clocks.sm", "clocks.max.sm"},
		{"index", "driver_version", "power.limit", "power.default_limit"},
		{"index", "driver_version", "power.limit"},
		{"index", "driver_version"},
	} {
		err := m.query(ctx, "gpu="+strings.Join(fields, ","), func(text string) (explained bool, err error) {
			all = parsePower(text, len(fields))
			return len(all) > 0, nil
		})
		if !errors.Is(err, errField) {
			break
		}
	}
	return all
}

// parsePower reads lines with that many fields, and skips others.
func parsePower(text string, fields int) (all []Power) {
	for _, line := range lines(text) {
		f := strings.Split(line, separator)
		if len(f) != fields || isTrouble(line) {
			continue
		}
		f = append(f, "", "", "", "")
		p := Power{f[0], known(f[1]), unit(f[4], "MHz"), unit(f[5], "MHz"), unit(f[2], "W"), unit(f[3], "W")}
		if !slices.Contains(all, p) {
			all = append(all, p)
		}
	}
	return all
}

// unit is a number with its unit; nvidia-smi prints "700.00".
func unit(word, name string) string {
	if known(word) == "" {
		return ""
	}
	if strings.Contains(word, ".") {
		word = strings.TrimRight(strings.TrimRight(word, "0"), ".")
	}
	return word + " " + name
}
