package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"topobench/internal/aiperf"
	"topobench/internal/deploy"
	"topobench/internal/host"
	"topobench/internal/host/agent"
	"topobench/internal/kube"
	"topobench/internal/preflight"
	"topobench/internal/profile"
	"topobench/internal/run"
	"topobench/internal/script"
	"topobench/internal/text"
)

// topologies makes the objects of each profile for a run. The error has the faults of all of them.
func (f kubeFlags) topologies(profiles []profile.Profile, id string, o aiperf.Options) ([]kube.Topology, error) {
	var all []kube.Topology
	var faults []error
	names := map[string]string{}
	for _, p := range profiles {
		t, err := f.topology(p, id, o)
		if other, taken := names[t.Name]; taken && err == nil {
			err = fmt.Errorf("%s and %s would both be %s in the cluster: rename one", other, p.Source, t.Name)
		}
		names[t.Name] = p.Source
		all, faults = append(all, t), append(faults, err)
	}
	return all, errors.Join(faults...)
}

func (f kubeFlags) topology(p profile.Profile, id string, o aiperf.Options) (t kube.Topology, err error) {
	var manifest []byte
	if p.FromManifest() {
		if p.Model != "" {
			return t, fmt.Errorf("--model: the model of %s follows from its manifest", p.Name)
		}
		if manifest, err = os.ReadFile(p.Kubernetes.Manifest); err != nil {
			return t, fmt.Errorf("%s: cannot read the manifest: %w", p.Place("kubernetes.manifest"), err)
		}
	}
	return kube.Make(p, manifest, id, o)
}

// cluster is that of profiles, for the run of an id.
func (e *Env) cluster(k profile.Kubernetes, id string, grace time.Duration) *kube.Cluster {
	clean := []string{"topobench", "clean", "--kube"}
	if k.Context != "" {
		clean = append(clean, "--kube-context", k.Context)
	}
	if k.Namespace != "" {
		clean = append(clean, "--kube-namespace", k.Namespace)
	}
	return &kube.Cluster{Kubectl: kube.Kubectl{Program: "kubectl", Context: k.Context, Namespace: k.Namespace},
		Environ: e.Environ, Run: id, Grace: grace, Clean: script.Command(clean...)}
}

// begin starts a run of processes, or of pods.
func (e *Env) begin(ctx context.Context, s *signals, r preflight.Request, o run.Options, grace time.Duration,
	f kubeFlags) (*session, error) {
	if f.Kube {
		return e.startKube(ctx, s, r, o, grace, f)
	}
	return e.start(ctx, s, r, o, grace)
}

// startKube checks the cluster, creates the Job of the load, and opens the run. After an error nothing of it is left in
// the cluster, or the error is a *deploy.DirtyError.
func (e *Env) startKube(ctx context.Context, s *signals, r preflight.Request, o run.Options, grace time.Duration,
	f kubeFlags) (*session, error) {
	e.printDropped()
	o.ID = run.NewID()
	profiles := r.Profiles
	topologies, err := f.topologies(profiles, o.ID, r.Load)
	if err = errors.Join(err, preflight.Comparable(profiles)); err != nil {
		return nil, &usageError{err}
	}
	r.Profiles = nil // programs, GPUs and ports are the cluster's
	checked, err := e.preflight(ctx, r)
	if err != nil {
		return nil, err
	}
	c := e.cluster(*topologies[0].Profile.Kubernetes, o.ID, grace)
	if err := e.removePast(ctx, c, o.Past); err != nil {
		return nil, cmp.Or(context.Cause(ctx), err)
	}
	if err := c.Enter(ctx, topologies, r.Launches); err != nil {
		return nil, cmp.Or(context.Cause(ctx), refusedByCluster(err))
	}
	o.Root, o.LogCap, o.Reserve = r.Root, r.LogCap, r.MinFree/reserveShare
	load, err := e.loadPod(ctx, c, topologies)
	if err == nil {
		topologies, err = f.withAIPerf(ctx, load, profiles, o.ID, r.Load)
	}
	for i, t := range topologies {
		t.Profile.Text, t.Profile.Source = profiles[i].Text, profiles[i].Source
		checked.Topologies = append(checked.Topologies, preflight.Topology{Profile: t.Profile, Plan: t.Launch(),
			Versions: t.Plan.Versions})
	}
	if err == nil {
		o.Remotes = map[string]run.Remote{run.LoadName: load}
		var session *session
		if session, err = e.open(ctx, s, checked, o); err == nil {
			session.cluster = true
			session.OnCluster(c, load, topologies)
			return session, nil
		}
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if left := c.End(s.force); len(left) > 0 {
		err = errors.Join(err, dirtyRun(o.ID, c.Clean, left))
	}
	return nil, err
}

// removePast deletes what the runs of a campaign, which have ended, left in the cluster, and proves it: a killed run
// keeps its names for its grace.
func (e *Env) removePast(ctx context.Context, c *kube.Cluster, past *run.Past) error {
	if past == nil {
		return nil
	}
	all, err := c.Remains(ctx)
	if err != nil {
		return &usageError{err}
	}
	for _, r := range all {
		if !slices.ContainsFunc(past.Runs, func(dir string) bool { return r.Of(filepath.Base(dir)) }) {
			continue
		}
		fmt.Fprintf(e.Stderr, "topobench: run %s is dead: its objects in the cluster are deleted\n", r.Run)
		if left := r.Delete(ctx); len(left) > 0 {
			return dirtyRun(r.Run, c.Clean, left)
		}
	}
	return nil
}

// dirtyRun reports objects of a run that are still there.
func dirtyRun(id, clean string, left []string) error {
	dirty := deploy.Dirty("run "+id, nil, nil, left...)
	dirty.Next = []string{"see what holds them (their finalizers, their nodes), then " + clean}
	return dirty
}

// versionWithin bounds aiperf --version, which starts an interpreter.
const versionWithin = time.Minute

// versionText is the version in the output of aiperf --version.
var versionText = regexp.MustCompile(`\b\d+\.\d+(\.\d+)?\S*`) // constant

// withAIPerf makes the topologies for the version of aiperf in the pod of the load. Without one that runs it is an
// error.
func (f kubeFlags) withAIPerf(ctx context.Context, load *agent.Remote, profiles []profile.Profile, id string,
	o aiperf.Options) ([]kube.Topology, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, versionWithin, fmt.Errorf("no answer within %v", versionWithin))
	defer cancel()
	hello := load.Hello()
	out, exit, err := load.Run(ctx, host.Spec{Name: "aiperf", Argv: []string{"aiperf", "--version"}, Env: hello.Environ,
		Log: filepath.Join(hello.Dir, "aiperf-version.log")})
	version := versionText.FindString(string(out))
	if err == nil && (exit.Code != 0 || version == "") {
		err = fmt.Errorf("aiperf --version: %v: %s", exit, text.OneLine(string(out)))
	}
	if err != nil {
		return nil, &usageError{fmt.Errorf("the image of the load has no aiperf that runs: %w: name another one in "+
			"kubernetes.load_image, or by --kube-load-image", err)}
	}
	for i := range profiles {
		versions := maps.Clone(profiles[i].Versions)
		if versions == nil {
			versions = map[string]string{}
		}
		versions["aiperf"] = cmp.Or(versions["aiperf"], version)
		profiles[i].Versions = versions
	}
	return f.topologies(profiles, id, o)
}

// refusedByCluster is code 6 if an object of another owner has a name of the run, else 2: nothing was created.
func refusedByCluster(err error) error {
	if kube.Taken(err) {
		return err
	}
	return &usageError{err}
}

// loadPod creates the Job of the load, and starts the agent in its pod.
func (e *Env) loadPod(ctx context.Context, c *kube.Cluster, topologies []kube.Topology) (*agent.Remote, error) {
	fmt.Fprintf(e.Stderr, "topobench: the pod of the load starts (job %s)\n", c.Job())
	if err := c.Begin(ctx, kube.Begun(topologies)); err != nil {
		return nil, &run.NotUpError{Err: err}
	}
	return e.dialWith(ctx, kube.Exec{Cluster: c}, Target{Name: run.LoadName, Run: c.Run + "-" + run.LoadName,
		Grace: c.Grace})
}

// kubeFaults are flags of a run that have no meaning on a cluster.
func kubeFaults(args []string) error {
	local := []string{"hosts", "wait-gpus", "gpus-from-allocation", "python", "vllm", "aiperf", "nginx", "etcd", "nats",
		"nvidia-smi"}
	var faults []error
	for _, arg := range args {
		name, _, _ := strings.Cut(arg, "=")
		if flag, is := strings.CutPrefix(name, "--"); is && slices.Contains(local, flag) {
			faults = append(faults, fmt.Errorf("%s has no meaning with --kube: omit it", name))
		}
	}
	return errors.Join(faults...)
}
