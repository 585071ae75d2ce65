package run

import (
	"context"
	"errors"
	"strings"
)

// Up brings one topology up, proves that it serves, tells its URL and holds it
// until ctx ends or a process dies; then it takes it down. It ends with the
// interrupt that ended ctx, whose exit code says that the proof was given.
func (c *Campaign) Up(ctx context.Context, w Wish, tell func(url string)) error {
	p, err := c.launch(w, 1)
	if err != nil {
		return err
	}
	release, err := c.claim(ctx, p)
	if err != nil {
		return err
	}
	defer release()
	s, err := c.up(ctx, p)
	if err != nil && c.fatal(ctx, err) == nil {
		return &NotUpError{err}
	}
	if err != nil {
		return err
	}
	t := Topology{Name: p.Name}
	_, fault := c.smoke(s.Context(), p, &t)
	if fault == nil {
		tell(strings.Join(p.Smoke.URLs, " "))
		<-s.Context().Done()
	}
	if err = fault; s.Context().Err() != nil {
		err = context.Cause(s.Context())
	}
	if fault != nil && !interrupted(s.Context()) {
		err = &NotUpError{err}
	}
	return errors.Join(err, c.down(s, &t))
}

// NotUpError says that a topology would not start, or does not serve.
type NotUpError struct{ Err error }

func (e *NotUpError) Error() string { return e.Err.Error() }

func (e *NotUpError) Unwrap() error { return e.Err }
