package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"topobench/internal/artifacts"
	"topobench/internal/deploy"
	"topobench/internal/host"
	"topobench/internal/journal"
	"topobench/internal/kube"
	"topobench/internal/plan"
	"topobench/internal/text"
	"topobench/internal/ui"
	"topobench/internal/verdict"
)

// OnCluster has topologies run as pods. The load runs on a machine in the cluster.
func (r *Runner) OnCluster(c *kube.Cluster, load LoadMachine, topologies []kube.Topology) {
	r.cluster, r.load = c, load
	r.Journal.Note(journal.Cluster{Context: c.Context, Namespace: c.Namespace, Server: c.Version(), Job: c.Job(),
		Pod: load.Hello().Hostname})
	r.Target = func(_ context.Context, p plan.Plan) (Target, error) {
		for _, t := range topologies {
			if t.Profile.Name == p.Name {
				return podTarget{r, t, p}, nil
			}
		}
		return nil, fmt.Errorf("%s is no topology of the cluster", p.Name)
	}
}

// LoadName is the name of the machine in the cluster that the load runs on.
const LoadName = "load"

// leave deletes the run's part of the cluster: nil = proved gone. An agent that does not answer ends with its pod.
func (r *Runner) leave() error {
	if r.cluster == nil {
		return nil
	}
	if load := r.Remotes[LoadName]; load != nil && load.Context().Err() == nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Force), agentWithin)
		defer cancel()
		_, _ = load.Close(ctx)
	}
	left := r.cluster.End(r.Force)
	r.Journal.Note(journal.ClusterEnd{Left: left})
	if len(left) == 0 {
		return nil
	}
	dirty := deploy.Dirty("run "+r.Dir.ID(), nil, nil, left...)
	dirty.Next = []string{r.cluster.Clean}
	return dirty
}

// agentWithin bounds the goodbye to the pod of the load.
const agentWithin = 20 * time.Second

// podTarget is a Target of pods.
type podTarget struct {
	run      *Runner
	topology kube.Topology
	plan     plan.Plan
}

// Up creates the objects and waits until the pods are ready and the servers answer.
func (t podTarget) Up(ctx context.Context) (Serving, error) {
	r := t.run
	r.at(Launching)
	if err := t.keep(t.plan.Name+createdEnd, r.cluster.Manifests(t.topology)); err != nil {
		return nil, err
	}
	r.Screen.Sweep(ui.Sweep{Proof: "pods are created"})
	defer r.Screen.Sweep(ui.Sweep{})
	stack, err := r.cluster.Up(ctx, t.topology)
	s := &podServing{stack, t, nil}
	if err == nil {
		began := time.Now()
		var placed sync.WaitGroup
		placed.Go(s.place)
		err = s.answers()
		placed.Wait()
		stack.Engine += time.Since(began)
	}
	if err != nil {
		return nil, errors.Join(err, s.Down(r.Force))
	}
	for _, p := range stack.Pods {
		r.Journal.Note(journal.Service{Topology: t.plan.Name, Service: p.Name, State: string(deploy.Ready),
			Detail: "on " + p.Node + ", " + strings.Join(p.Images, ", ")})
	}
	return s, nil
}

// podServing is a topology of pods that is up.
type podServing struct {
	*kube.Stack
	of    podTarget
	facts artifacts.Values // of the place
}

var _ Elsewhere = (*podServing)(nil)

// Load is the pod of the load.
func (s *podServing) Load() LoadMachine { return s.of.run.load }

// Endpoints are the Services.
func (s *podServing) Endpoints() []string { return s.of.plan.Load.URLs }

// Processes are those of pods, which are not visible.
func (s *podServing) Processes() ([]host.ServiceProcesses, error) { return nil, nil }

// Times are those of the launch and, after Down, of the deletion.
func (s *podServing) Times() deploy.Times {
	return deploy.Times{Launch: s.Stack.Launch, Engine: s.Stack.Engine, Teardown: s.Stack.Gone}
}

// Located is a plan with the counters of the pods, and with the place where they run.
func (s *podServing) Located(p plan.Plan) plan.Plan {
	p.Services = s.Services()
	p.Smoke.Counters, p.Smoke.Transfers = s.Counters()
	p.Deployment.Machine = s.facts
	return p
}

// answers waits until every server answers with the model.
func (s *podServing) answers() error {
	ctx, cancel := context.WithTimeout(s.Context(), s.of.topology.Profile.Timeouts.Ready)
	defer cancel()
	prober, services := s.of.run.proberOf(s), s.Services()
	var unhealthy []verdict.Unhealthy
	for {
		now := prober.Health(ctx, services)
		switch {
		case ctx.Err() != nil: // its end has cut the probes short
		case len(now) == 0:
			return nil
		default:
			unhealthy = now
		}
		select {
		case <-ctx.Done():
			what := strings.Join(text.Each(unhealthy, verdict.Unhealthy.String), "; ")
			return fmt.Errorf("%s does not serve: %s: %w", s.of.plan.Name, what, context.Cause(ctx))
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// Down deletes the topology; nil = proved gone.
func (s *podServing) Down(force context.Context) error {
	r, name := s.of.run, s.of.plan.Name
	r.at(Stopping)
	r.Screen.Sweep(ui.Sweep{})
	r.Journal.Note(journal.TeardownBegin{Topology: name})
	if left := s.Stack.Down(force); len(left) > 0 {
		err := deploy.Dirty(name, nil, nil, left...)
		err.Next = []string{r.cluster.Clean}
		r.Journal.Note(journal.TeardownDirty{Topology: name, Error: err.Error()})
		return err
	}
	r.Journal.Note(journal.TeardownProved{Topology: name})
	r.Screen.Note(fmt.Sprintf("%s is gone: no object left (%.1f s)", name, s.Stack.Gone.Seconds()))
	return nil
}

// placedOn records where the pods of a launch run.
func (r *Runner) placedOn(p plan.Plan, t *Topology) error {
	if r.cluster == nil {
		return nil
	}
	now := r.deployment(p, t)
	if err := r.checkCluster(t.Name, now); err != nil {
		return err
	}
	config, err := json.MarshalIndent(now, "", "  ")
	if err != nil {
		return err
	}
	return artifacts.WriteFile(filepath.Join(t.Artifacts.Path, artifacts.DeploymentName), append(config, '\n'), 0o644)
}

// restartable: only what the run has started can be restarted.
func (r *Runner) restartable(p plan.Plan) bool { return len(p.Services) > 0 || r.cluster != nil }
