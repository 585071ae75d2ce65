package cli

import "time"

// duration is a flag such as 45m; a bare number has no unit and is refused.
type duration time.Duration

func (d *duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	*d = duration(v)
	return err
}

func (d duration) value() time.Duration { return time.Duration(d) }
