package run

import (
	"context"
	"errors"
	"strings"
)

// Up brings one topology up, proves that it serves, passes its URLs to report and holds it
// until ctx ends or a service dies; then it takes it down. Its error is the interrupt that
// ended ctx if the teardown was proved.
func (c *Campaign) Up(ctx context.Context, w Wish, report func(urls string)) error {
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
	if err != nil {
		if c.fatal(ctx, err) == nil {
			return &NotUpError{err}
		}
		return err
	}
	t := Topology{Name: p.Name}
	_, fault := c.smoke(s.Context(), p, &t)
	if fault == nil {
		report(strings.Join(s.Endpoints(), " "))
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

// NotUpError is a topology that would not start, or does not serve.
type NotUpError struct{ Err error }

func (e *NotUpError) Error() string { return e.Err.Error() }

func (e *NotUpError) Unwrap() error { return e.Err }
