package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"topobench/internal/aiperf"
	"topobench/internal/artifacts"
	"topobench/internal/deploy"
	"topobench/internal/journal"
	"topobench/internal/plan"
	"topobench/internal/ready"
	"topobench/internal/ui"
)

// plan decides a launch and writes what must exist before the first process.
func (c *Campaign) plan(w Wish, t *Topology) (plan.Plan, error) {
	launch, err := c.launch(w, t.Launches)
	if err != nil {
		return plan.Plan{}, err
	}
	if t.Artifacts.Path == "" {
		if err := c.artifacts(t, launch.Deployment); err != nil {
			return plan.Plan{}, err
		}
	}
	launch.Load.Artifacts, t.Deviations = t.Artifacts.Path, launch.Deviations
	return launch, c.writePlan(w, launch)
}

// artifacts makes the topology's artifacts_N with its deployment_config.json, so
// that an interrupted sweep can be plotted.
func (c *Campaign) artifacts(t *Topology, d artifacts.Deployment) (err error) {
	if t.Artifacts, err = c.Run.NextArtifacts(); err != nil {
		return err
	}
	config, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return err
	}
	path := t.Artifacts.Path
	if err = artifacts.WriteFile(filepath.Join(path, "deployment_config.json"), append(config, '\n'), 0o644); err != nil {
		_ = os.Remove(path) // it is empty: no loss where it stays
		t.Artifacts = artifacts.Artifacts{}
	}
	return err
}

// launch fills in the places of a launch. The second has directories, and with
// them data and logs, of its own, and its workers meet none of the first.
func (c *Campaign) launch(w Wish, number int) (plan.Plan, error) {
	p := w.Profile
	dir, err := c.Run.Topology(p.Name)
	if err != nil {
		return plan.Plan{}, err
	}
	name := p.Name
	if number > 1 {
		again := fmt.Sprintf("launch-%d", number)
		dir, name = filepath.Join(dir, again), name+"-"+again
		if err := os.Mkdir(dir, 0o700); err != nil {
			return plan.Plan{}, fmt.Errorf("cannot make a directory for the next launch of %s: %w", p.Name, err)
		}
	}
	site := c.Site
	site.Dir, site.Temp, site.Namespace = dir, c.Run.TempDir(), Namespace(c.Run.ID(), name)
	return c.make(w, site)
}

// make decides the launch of a wish at a site.
func (c *Campaign) make(w Wish, site plan.Site) (plan.Plan, error) {
	site.Programs, site.Versions, site.Root, site.FreshPrompts = w.Programs, w.Versions, os.Geteuid() == 0, c.Fresh
	launch, err := plan.Make(w.Profile, site)
	launch.Inherit = plan.Inherit(c.Environ)
	return launch, err
}

// writePlan leaves the launch as a script beside the logs it explains, with places of
// its own.
func (c *Campaign) writePlan(w Wish, launch plan.Plan) error {
	byHand, err := c.make(w, ByHand(c.Site, c.Run.Root(), w.Profile.Name))
	if err != nil {
		return err
	}
	byHand.Load.Artifacts = launch.Load.Artifacts
	var script strings.Builder
	if err := plan.Script(&script, byHand); err != nil {
		return err
	}
	return artifacts.WriteFile(filepath.Join(launch.Dirs[0], "plan.sh"), []byte(script.String()), 0o600)
}

// ByHand is the site of a script that a person runs. What it starts carries no mark of a
// run and writes into no run's directory: it would be ended with what that run left. Each
// call of the script has a directory and a namespace of its own.
func ByHand(s plan.Site, root, topology string) plan.Site {
	const name = "by-hand"
	call := topology + "-" + plan.Call
	s.Dir, s.Temp = filepath.Join(root, artifacts.StateDir, name, call), os.TempDir()
	s.Namespace, s.Cookie = Namespace(name, call), name
	return s
}

// Namespace is a DYN_NAMESPACE of one launch: Dynamo splits it at dots.
func Namespace(run, topology string) string {
	return strings.NewReplacer(".", "-", "_", "-").Replace("topobench-" + run + "-" + topology)
}

// up brings a plan up, with witnesses for its end.
func (c *Campaign) up(ctx context.Context, p plan.Plan) (*deploy.Stack, error) {
	witnesses, err := c.witnesses(ctx, p)
	if err != nil {
		return nil, err
	}
	return deploy.Up(ctx, p, deploy.Options{Environ: c.Environ, Starter: c.Starter, Await: c.Await, Note: func(e deploy.Event) { c.show(p.Name, e) }, Hurry: c.Hurry,
		Strangers: c.Strangers, Name: c.serviceOf, Witnesses: witnesses, Found: c.found, Wave: func() { c.at(Launching) }, Proving: func() { c.at(Proving) },
		Ended: func(times deploy.Times, err error) { c.ended(p.Name, times, err) }})
}

// found writes what a witness of the teardown said into the journal.
func (c *Campaign) found(f deploy.Finding) {
	check := journal.TeardownCheck{Check: f.Witness, Seconds: f.Took.Seconds(), Left: f.Left}
	if f.Err != nil {
		check.Error = f.Err.Error()
	}
	c.Journal.Note(check)
}

// show puts a change of a service on the screen and into the journal.
func (c *Campaign) show(topology string, e deploy.Event) {
	s := ui.Service{Name: e.Service.Name, State: ui.State(e.State), Detail: e.Detail}
	if len(e.Service.Ports) > 0 {
		s.Port = e.Service.Ports[0].Number
	}
	s.GPUs = e.Service.Devices
	c.Screen.Service(s)
	if e.State == deploy.Starting && e.Detail != "" {
		c.at(Awaiting)
		return // what a gate waits for changes often, and the logs have it
	}
	if e.State == deploy.Starting {
		c.at(Starting)
	}
	c.Journal.Note(journal.Service{Topology: topology, Service: e.Service.Name, State: string(e.State), Detail: e.Detail, PID: e.PID})
}

// smoke proves that every worker serves the load's own body. perf.sh's nvext is
// dropped, and that is said, where the server answers it with 400 and serves without it.
func (c *Campaign) smoke(ctx context.Context, p plan.Plan, t *Topology) (aiperf.Load, error) {
	l := p.Load
	c.Screen.Sweep(ui.Sweep{Proof: "none is answered yet"}) // a first transfer between two GPUs takes up to 30 s
	defer c.Screen.Sweep(ui.Sweep{})
	note := func(text string) {
		c.Journal.Note(journal.Smoke{Topology: t.Name, Waits: text})
		c.Screen.Sweep(ui.Sweep{Proof: text})
	}
	err := c.Smoke(ctx, p.Smoke, l, note)
	refused, is := errors.AsType[*ready.RefusedError](err)
	if !is || refused.Status != http.StatusBadRequest || !l.NVExt {
		return l, err
	}
	l.NVExt = false
	if err := c.Smoke(ctx, p.Smoke, l, note); err != nil {
		return l, err
	}
	d := plan.NVExtDropped(refused.Answer)
	t.Deviations = append(t.Deviations, d)
	c.Journal.Note(journal.Deviation{Deviation: d})
	if t.Lost == nil { // else it was said
		c.Screen.Note(fmt.Sprintf("%s: the load leaves out nvext.ignore_eos, which the server refuses (HTTP %d)", t.Name, refused.Status))
	}
	return l, nil
}
