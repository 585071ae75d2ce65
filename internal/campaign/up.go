package campaign

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
	if err != nil {
		return err
	}
	t := Topology{Name: p.Name}
	if _, err = c.smoke(s.Context(), p, &t); err == nil {
		tell(strings.Join(p.Smoke.URLs, " "))
		<-s.Context().Done()
	}
	if s.Context().Err() != nil {
		err = context.Cause(s.Context())
	}
	return errors.Join(err, c.down(s, &t))
}
