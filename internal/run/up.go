package run

import (
	"context"
	"errors"
	"strings"
	"topobench/internal/preflight"
)

// Up brings one topology up, proves that it serves, passes its URLs to report and holds it
// until ctx ends or a service dies; then it takes it down. Its error is the interrupt that
// ended ctx if the teardown was proved.
func (r *Runner) Up(ctx context.Context, w preflight.Topology, report func(urls string)) error {
	if err := r.connected([]preflight.Topology{w}); err != nil {
		return err
	}
	p, err := r.placeLaunch(w, 1, 1)
	if err != nil {
		return err
	}
	defer r.fetchLogs(p)
	release, err := r.claimAll(ctx, p)
	if err != nil {
		return err
	}
	defer release()
	s, p, err := r.up(ctx, p)
	if err != nil {
		if end := endsRun(ctx, err); end != nil {
			return end
		}
		return &NotUpError{err}
	}
	_, fault := r.smokeTest(s.Context(), r.proberOf(s), p, &Topology{Name: p.Name})
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
	return errors.Join(err, s.Down(r.Force))
}

// NotUpError is a topology that would not start, or does not serve.
type NotUpError struct{ Err error }

func (e *NotUpError) Error() string { return e.Err.Error() }

func (e *NotUpError) Unwrap() error { return e.Err }
