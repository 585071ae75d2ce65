package run

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"topobench/internal/aiperf"
	"topobench/internal/artifacts"
	"topobench/internal/deploy"
	"topobench/internal/host"
	"topobench/internal/host/proc"
	"topobench/internal/journal"
	"topobench/internal/kube"
	"topobench/internal/plan"
	"topobench/internal/preflight"
	"topobench/internal/recovery"
	"topobench/internal/script"
	"topobench/internal/text"
	"topobench/internal/ui"
	"topobench/internal/verdict"
)

// Options are the parts of a run that its caller decides.
type Options struct {
	ID         string          // of the run, see NewID; "" = a new one
	Root, Temp string          // artifacts root; place of the temporary directories, "" = the default
	Environ    []string        // of the caller
	Force      context.Context // ends when a teardown may wait no longer (the second Ctrl-C)
	Screen     *ui.View
	Shepherd   string      // a binary with the shepherd command; "" = this program
	At         func(Phase) // called when a phase begins; may be nil
	Foreign    []proc.Proc // descendants of this process that the run did not start

	Key       string // that the requests send; "" = perf.sh's
	FailFast  bool
	Hold      func(ctx context.Context) // called with the last topology up; nil = do not hold
	NvidiaSMI string                    // its path; "" = the GPUs are not checked
	WaitGPUs  time.Duration             // how long to wait for busy GPUs
	LogCap    uint64                    // bytes of each log; 0 = any
	Reserve   uint64                    // bytes of the disk that stay free for results
	Release   string                    // of topobench, for provenance.json

	Campaign   *artifacts.Campaign // to record; nil = the run cannot be continued
	Past       *Past               // the campaign that the run continues; nil = it begins one
	Again      bool                // measure finished cells that are not valid again
	AllowDrift bool                // continue after a change of the setup

	Remotes map[string]Remote // the other machines of the plans, by name
	// Target is a way to bring a plan up that is neither processes of the run nor the server of another person; nil, or
	// a nil Target, for the others.
	Target func(ctx context.Context, p plan.Plan) (Target, error)
}

// Prober probes what serves. deploy.Prober does it over HTTP.
type Prober interface {
	Smoke(ctx context.Context, s plan.Smoke, l aiperf.Load, note func(string)) error
	Health(ctx context.Context, services []plan.Service) []verdict.Unhealthy
	Counters(ctx context.Context, counters []plan.Counter) (map[string]float64, error)
	Identity(ctx context.Context, services []plan.Service) map[string]string
}

// Runner carries out one run.
type Runner struct {
	Options
	Dir     *recovery.Run
	Journal *journal.Journal
	here    *local // the part on this machine
	prober  Prober
	disk    disk
	cluster *kube.Cluster // nil = topologies are processes
	load    LoadMachine   // in the cluster

	schedule  Schedule
	done      []Cell                          // measured or skipped, in order
	launched  []Topology                      // those that were taken down again, in order
	abandoned map[string]bool                 // topologies that did not start in the first round
	placed    map[string]plan.Plan            // launches of round 1 by topology
	setups    map[string]artifacts.Deployment // by topology, as they are now
	drift     string                          // what has changed since the campaign began
	found     map[string]machine              // GPUs of each machine by name of the host
	hosts     []plan.Host                     // the other machines of the run
	launches  int                             // so far
	facts     *collection                     // of the launch; nil = nothing is collected
	waited    time.Duration                   // for busy GPUs and for the end of a hold
	noted     map[verdict.CheckName]bool      // notes that were shown
}

// NewID is the id of a run that begins now.
func NewID() string {
	random := make([]byte, 2)
	rand.Read(random) // never fails (crypto/rand, Go 1.24)
	return artifacts.NewID(time.Now(), random)
}

// New creates the directory, journal and ledger of a run. Close must be called.
func New(o Options) (*Runner, error) {
	r := &Runner{Options: o, placed: map[string]plan.Plan{}, abandoned: map[string]bool{},
		found: map[string]machine{}}
	r.disk.screen = o.Screen
	var err error
	r.here, err = newLocal(localPlace{root: o.Root, temp: o.Temp, id: cmp.Or(o.ID, NewID()),
		shepherd: o.Shepherd, environ: o.Environ, nvidiaSMI: o.NvidiaSMI, logCap: o.LogCap, recorded: r.disk.recorded})
	if err != nil {
		return nil, err
	}
	r.Dir, r.Journal = r.here.dir, r.here.journal
	r.prober = deploy.NewProber(r.here.host).Over(r.machines()).Sending(aiperf.Network(o.Environ), o.Key)
	return r, nil
}

// Close ends the journal and removes the run's TMPDIR, which is part of the proof that
// nothing is left. If something is, TMPDIR stays: it leads a later process to the run. why
// is how the run ended; Close returns it joined with its own faults.
func (r *Runner) Close(why error) error {
	why = errors.Join(why, r.goodbye(why), r.leave())
	_, dirty := errors.AsType[*deploy.DirtyError](why)
	if !dirty {
		why = errors.Join(why, r.leftovers())
		_, dirty = errors.AsType[*deploy.DirtyError](why)
	}
	r.disk.release()
	finished := r.Campaign != nil && r.schedule != nil && !r.Unfinished()
	r.Journal.Note(journal.RunEnd{Dirty: dirty, Finished: finished})
	why = errors.Join(why, r.Journal.Close())
	if dirty {
		return why
	}
	return errors.Join(why, r.Dir.Close())
}

// leftovers is *deploy.DirtyError if a process runs that was started outside of a topology,
// such as perf's aiperf or the download of a model: teardowns of topologies have proofs of
// their own. The ledger is consulted too, since pid 1 inherits orphans of others.
func (r *Runner) leftovers() error {
	left, err := r.here.leftovers(r.Foreign)
	if len(left) > 0 {
		return deploy.Dirty("run "+r.Dir.ID(), left, r.here.ledger.Name)
	}
	return err
}

// claim reserves the GPUs and ports of all topologies until release, and proves that they
// are free: a conflict of the last topology must not show after hours.
func (r *Runner) claim(ctx context.Context, topologies []preflight.Topology) (release func(), err error) {
	var faults []error
	var plans []plan.Plan
	for _, w := range topologies {
		p, err := r.placeLaunch(w, 1, 1)
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", w.Profile.Name, err))
			continue
		}
		r.placed[w.Profile.Name] = p
		plans = append(plans, p)
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	release, err = r.claimAll(ctx, plans...)
	var sides []artifacts.Deployment
	r.setups = map[string]artifacts.Deployment{}
	for _, p := range plans {
		d := r.recorded(p)
		sides, r.setups[p.Name] = append(sides, d), d
	}
	r.Journal.Note(journal.Settings{Settings: artifacts.CompareSettings(sides)})
	return release, err
}

// place is the plan of a launch in its directories, with its artifacts_N.
func (r *Runner) place(w preflight.Topology, t *Topology) (p plan.Plan, err error) {
	p, known := r.placed[t.Name]
	if delete(r.placed, t.Name); !known || t.Repeat > 1 {
		if p, err = r.placeLaunch(w, t.Repeat, t.Launches); err != nil {
			return p, err
		}
	}
	if t.Artifacts.Path == "" || r.Past != nil && t.Launches == 1 && len(t.Cells) == 0 { // or the setup is another
		if err := r.createArtifacts(t, r.deployment(p, t)); err != nil {
			return p, err
		}
	}
	p.Load.Artifacts, t.Deviations = t.Artifacts.Path, p.Deviations
	if len(p.Services) == 0 {
		return p, nil
	}
	t.Dir = p.Dirs[0]
	var text strings.Builder
	if err := script.Write(&text, ByHand(r.Dir.Root()), w.Plan); err != nil {
		return p, err
	}
	return p, artifacts.WriteFile(filepath.Join(p.Dirs[0], "plan.sh"), []byte(text.String()), 0o600)
}

// deployment is the deployment_config.json of a launch.
func (r *Runner) deployment(p plan.Plan, t *Topology) artifacts.Deployment {
	d := r.recorded(p)
	d.Adaptive = r.mark(t.Repeat)
	if r.restartable(p) { // rounds of a server that somebody else runs are no launches
		d.Round = t.Repeat
	}
	return d
}

// placeLaunch gives a plan its directories. Each launch of a round, and its restart, has
// directories, and with them data and logs, of its own, and its workers meet none of
// another launch.
func (r *Runner) placeLaunch(w preflight.Topology, round, launch int) (plan.Plan, error) {
	dir, err := r.Dir.Topology(w.Profile.Name)
	if err != nil {
		return plan.Plan{}, err
	}
	if below := launchDir(round, launch); below != "" {
		dir = filepath.Join(dir, below)
		if err := os.Mkdir(dir, 0o700); err != nil {
			return plan.Plan{}, fmt.Errorf("cannot create a directory for a launch of %s: %w", w.Profile.Name, err)
		}
	}
	id, name := r.Dir.ID(), launchName(w.Profile.Name, round, launch)
	space, _ := host.Disk(dir) // without an answer it is taken for a local one
	here := plan.Placement{Dir: dir, Data: dataDir(space, r.Dir.TempDir(), name), Temp: r.Dir.TempDir(),
		Namespace: plan.Namespace(id, name), Cookie: id}
	return w.Plan.At(here, r.placements(w.Plan, w.Profile.Name, launchDir(round, launch)))
}

// launchDir is the directory of a launch in that of its topology. A restart is below its round.
func launchDir(round, launch int) string {
	var parts []string
	if round > 1 {
		parts = append(parts, fmt.Sprintf("round-%d", round))
	}
	if launch > 1 {
		parts = append(parts, fmt.Sprintf("launch-%d", launch))
	}
	return filepath.Join(parts...)
}

// launchName is the name of no other launch of the run: the last two parts are always numbers.
func launchName(topology string, round, launch int) string {
	return fmt.Sprintf("%s-%d-%d", topology, round, launch)
}

// dataDir is the directory for the data of a launch's servers: in the run's TMPDIR, which is local, where the artifacts
// root is on another machine; "" is the directory of the launch.
func dataDir(root host.Space, temp, launch string) string {
	if root.Remote == "" {
		return ""
	}
	return filepath.Join(temp, launch)
}

// createArtifacts creates the topology's artifacts_N with its deployment_config.json, so
// that an interrupted sweep can be plotted. An artifacts_N without a cell gets the file of this run.
func (r *Runner) createArtifacts(t *Topology, d artifacts.Deployment) (err error) {
	created := t.Artifacts.Path == ""
	if created {
		t.Artifacts, err = r.Dir.NextArtifacts()
	}
	if err != nil {
		return err
	}
	config, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return err
	}
	path := t.Artifacts.Path
	err = artifacts.WriteFile(filepath.Join(path, artifacts.DeploymentName), append(config, '\n'), 0o644)
	if err != nil && created {
		_ = os.Remove(path) // it is empty: no loss if it stays
		t.Artifacts = artifacts.Artifacts{}
	}
	return err
}

// ByHand is where a script that a person runs writes, below an artifacts root.
func ByHand(root string) script.Places {
	return script.Places{Root: root, State: filepath.Join(root, artifacts.StateDir, "by-hand"), Temp: os.TempDir()}
}

// announce is the heading of a topology: "round 2/4, topology 1/2: a (k_aggregated, 8 GPUs)".
func (r *Runner) announce(w preflight.Topology, round, all int) {
	if !r.restartable(w.Plan) {
		return
	}
	n := 1
	for _, t := range r.launched {
		if t.Repeat == round && t.Name != w.Profile.Name {
			n++
		}
	}
	if round > 1 {
		all -= len(r.abandoned)
	}
	p := w.Profile
	r.Screen.Phase(fmt.Sprintf("%stopology %d/%d: %s (%s, %s)", roundOf(round, r.rounds()), n, all, p.Name,
		p.Label(), text.Count(p.GPUs(), "GPU", "GPUs")))
}

// at reports that a phase begins. Tests hold the run there.
func (r *Runner) at(p Phase) {
	if r.At != nil {
		r.At(p)
	}
}
