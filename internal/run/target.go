package run

import (
	"context"

	"topobench/internal/deploy"
	"topobench/internal/host"
)

// Target is something that can be brought up to serve: the processes of a plan, or a
// server that already runs.
type Target interface {
	// Up returns when it serves, or with nothing left running.
	Up(ctx context.Context) (Serving, error)
}

// Serving is a target that is up.
type Serving interface {
	// Context ends when it can serve no longer; its cause is why.
	Context() context.Context
	// Endpoints are the base URLs that the load uses.
	Endpoints() []string
	// Processes are those of its services; none if they are not visible.
	Processes() ([]host.ServiceProcesses, error)
	// Times are those of the launch and, after Down, of the teardown.
	Times() deploy.Times
	// Down takes it down; nil = proved gone. It waits for no grace once force has ended.
	Down(force context.Context) error
}

// external is a Target that another person runs. It is never started and never stopped.
type external struct {
	urls []string
	ctx  context.Context
}

// Up returns at once; the smoke test shows whether it serves.
func (e external) Up(ctx context.Context) (Serving, error) { return external{e.urls, ctx}, nil }

// Context is that of Up.
func (e external) Context() context.Context { return e.ctx }

// Endpoints are its URLs.
func (e external) Endpoints() []string { return e.urls }

// Processes are not visible.
func (e external) Processes() ([]host.ServiceProcesses, error) { return nil, nil }

// Times are zero.
func (e external) Times() deploy.Times { return deploy.Times{} }

// Down leaves it running.
func (e external) Down(context.Context) error { return nil }
