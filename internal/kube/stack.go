package kube

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"topobench/internal/text"
)

// Stack is a topology that is up.
type Stack struct {
	Topology Topology
	Pods     []Pod // its own, as they were when it was ready
	Launch   time.Duration
	Engine   time.Duration
	Gone     time.Duration // of the deletion with its proof

	cluster  *Cluster
	ready    bool           // it was up
	restarts map[string]int // when it was ready
	ctx      context.Context
	cancel   context.CancelCauseFunc
	pods     *watch
	unwatch  context.CancelFunc
	watching sync.WaitGroup // the watch
	running  sync.WaitGroup // who observes it
}

// Up creates a topology wave by wave and waits until it is ready. The stack must be taken down after an error too.
func (c *Cluster) Up(ctx context.Context, t Topology) (*Stack, error) {
	s := &Stack{Topology: t, cluster: c, pods: c.newWatch()}
	s.ctx, s.cancel = context.WithCancelCause(ctx)
	// It shows the end of the pods too.
	watched, unwatch := context.WithCancel(context.WithoutCancel(ctx))
	s.unwatch = unwatch
	s.watching.Go(func() { s.pods.run(watched) })
	for wave := range t.Waves {
		if err := s.start(ctx, wave); err != nil {
			return s, err
		}
	}
	s.ready = true
	s.running.Go(s.observe)
	return s, nil
}

// start creates a wave and awaits it.
func (s *Stack) start(ctx context.Context, wave int) error {
	within := s.Topology.Profile.Timeouts.Ready
	ctx, cancel := context.WithTimeoutCause(ctx, within, fmt.Errorf("not ready after %v (timeouts.ready)", within))
	defer cancel()
	began := time.Now()
	if err := s.cluster.create(ctx, s.Topology.Waves[wave]); err != nil {
		return err
	}
	created := time.Now()
	s.Launch += created.Sub(began)
	defer func() { s.Engine += time.Since(created) }()
	var last Readiness
	err := s.cluster.until(ctx, s.Topology.Name, s.pods, func(now Snapshot) (Readiness, error) {
		last = s.Topology.Judge(now, wave, nil)
		s.restarts, s.Pods = last.Restarts, s.Topology.describe(now)
		return last, nil
	})
	if err != nil {
		err = fmt.Errorf("%w%s", err, s.lastLines(last.Causes))
	}
	return err
}

// Context ends when a pod restarts, moves or dies; its cause is why.
func (s *Stack) Context() context.Context { return s.ctx }

// observe ends the stack's context with the first cause. An API server that does not respond is no cause.
func (s *Stack) observe() {
	for {
		now, known := s.pods.snapshot()
		r := s.Topology.Judge(now, len(s.Topology.Waves)-1, s.restarts)
		if known && len(r.Causes) > 0 {
			s.cancel(fmt.Errorf("%w%s", r.err(), s.lastLines(r.Causes)))
			return
		}
		select {
		case <-s.ctx.Done():
			return
		case <-s.pods.changed:
		}
	}
}

// logTail bounds the last lines of a pod.
const logTail = "--tail=20"

// lastLines are the ends of the logs of the pods of causes.
func (s *Stack) lastLines(causes []Cause) string {
	shown, seen := "", map[string]bool{}
	for _, c := range causes {
		if seen[c.Name] {
			continue
		}
		seen[c.Name] = true
		if lines := s.ended(c); len(lines) > 0 {
			shown += fmt.Sprintf("\n  last lines of %s:\n    %s", c.Name, strings.Join(lines, "\n    "))
		}
	}
	return shown
}

// logsWithin bounds the wait for the last lines of a pod.
const logsWithin = 5 * time.Second

// ended are the last lines of the containers that a cause has ended: those before a restart, else the present ones. A
// container that has just ended once more has no log before the API server names its successor.
func (s *Stack) ended(c Cause) []string {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), logsWithin)
	defer cancel()
	present := []string{"logs", c.Name, "--all-containers", logTail}
	for {
		lost := false
		if c.Kind != Moved { // a pod that is deleted has not restarted
			var lines []string
			if lines, lost = s.lines(ctx, append(present, "--previous")); len(lines) > 0 {
				return lines
			}
		}
		if lines, gone := s.lines(ctx, present); len(lines) > 0 || !lost && !gone {
			return lines
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(lookEvery):
		}
	}
}

// lostLog is what a kubelet writes in place of the log of a container that it has removed (Kubernetes,
// pkg/kubelet/kuberuntime). The exit code is 0.
const lostLog = "unable to retrieve container logs for "

// lines are those of kubectl logs. lost: the log of a container is not there, perhaps for a moment.
func (s *Stack) lines(ctx context.Context, argv []string) (lines []string, lost bool) {
	out, err := s.cluster.do(ctx, "", argv...)
	if err != nil {
		return nil, false
	}
	all := text.Lines(out)
	lines = slices.DeleteFunc(slices.Clone(all), func(line string) bool { return strings.HasPrefix(line, lostLog) })
	return lines, len(lines) < len(all)
}

// Down deletes the topology and proves that nothing of it is left. Left has what is, or why there is no proof. It waits
// for no grace once force has ended, and gives none to pods that never were ready: their programs, which still start,
// may ignore SIGTERM.
func (s *Stack) Down(force context.Context) (left []string) {
	began := time.Now()
	defer func() { s.Gone = time.Since(began) }()
	s.cancel(errors.New("the topology is being taken down"))
	s.running.Wait()
	defer s.watching.Wait()
	defer s.unwatch()
	c := s.cluster
	// By label: an object of the same name may have another owner.
	which := []string{s.Topology.kinds(), "-l", s.label()}
	if !s.ready {
		which[0] += ",pods"
		which = append(which, "--grace-period=1")
	}
	return c.remove(force, s.pods, c.ofLoad, which...)
}

// label selects the objects of the topology in the run.
func (s *Stack) label() string {
	return fmt.Sprintf("%s=%s,%s=%s", RunLabel, s.cluster.label(), topologyLabel, s.Topology.Name)
}

// hasGraph reports whether the topology has a DynamoGraphDeployment.
func (t Topology) hasGraph() bool {
	return slices.ContainsFunc(slices.Concat(t.Waves...), func(o Object) bool { return o.Kind == graphKind })
}

// kinds are those of the topology's objects, as kubectl takes them.
func (t Topology) kinds() string {
	kinds := text.Each(slices.Concat(t.Waves...), func(o Object) string { return strings.ToLower(o.Kind) })
	return strings.Join(text.Distinct(kinds), ",")
}

// ofLoad is the Job and its pod, which stay until the end of the run.
func (c *Cluster) ofLoad(l Leftover) bool {
	return l.Kind == "Job" && l.Name == c.job.Name || l.Kind == "Pod" && l.Name == c.pod
}
