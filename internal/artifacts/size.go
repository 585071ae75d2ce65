package artifacts

import "fmt"

// Size is a number of bytes; it prints as 1.5 GiB.
type Size uint64

func (s Size) String() string {
	unit, value := 0, float64(s)
	for ; value >= 1024 && unit < 4; unit++ {
		value /= 1024
	}
	return fmt.Sprintf("%.4g %s", value, []string{"bytes", "KiB", "MiB", "GiB", "TiB"}[unit])
}
