package cli

import (
	"fmt"
	"strconv"
	"strings"
)

// percent is a part, written as 3%, 3 % or 0.03.
type percent float64

func (p *percent) UnmarshalText(text []byte) error {
	digits, isPercent := strings.CutSuffix(strings.TrimSpace(string(text)), "%")
	v, err := strconv.ParseFloat(strings.TrimSpace(digits), 64)
	if err != nil {
		return fmt.Errorf("%q is not a percentage such as 3%%", text)
	}
	if isPercent {
		v /= 100
	}
	*p = percent(v)
	return nil
}

func (p percent) String() string { return strconv.FormatFloat(100*float64(p), 'g', 6, 64) + "%" }

// mostPercent bounds a precision.
const mostPercent = 0.5

// check refuses a part that is not above 0, or above a half: 3 is more probably meant as 3 %.
func (p percent) check(flag string) error {
	if p > 0 && p <= mostPercent {
		return nil
	}
	return fmt.Errorf("--%s %v is not above 0 and at most %v: use a percentage such as 3%%", flag, p,
		percent(mostPercent))
}
