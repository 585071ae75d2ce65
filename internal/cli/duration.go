package cli

import (
	"fmt"
	"time"
)

// duration is a flag such as 45m; a bare number has no unit and is refused, as is one
// that is not more than 0, which stands for a flag that was not given.
type duration time.Duration

func (d *duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err == nil && v <= 0 {
		err = fmt.Errorf("%s is not more than 0: name a duration such as 45m", text)
	}
	*d = duration(v)
	return err
}

func (d duration) value() time.Duration { return time.Duration(d) }
