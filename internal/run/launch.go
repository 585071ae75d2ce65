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
	"topobench/internal/plan"
	"topobench/internal/ready"
	"topobench/internal/result"
	"topobench/internal/script"
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
	return launch, c.writePlan(w, launch.Dirs[0])
}

// artifacts makes the topology's artifacts_N with its deployment_config.json, so
// that an interrupted sweep can be plotted.
func (c *Campaign) artifacts(t *Topology, d result.Deployment) (err error) {
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
	return w.Plan.At(plan.Placement{Dir: dir, Temp: c.Run.TempDir(), Namespace: plan.Namespace(c.Run.ID(), name), Cookie: c.Run.ID()})
}

// writePlan leaves the plan as a script beside the logs of its launch.
func (c *Campaign) writePlan(w Wish, dir string) error {
	var text strings.Builder
	if err := script.Write(&text, ByHand(c.Run.Root()), w.Plan); err != nil {
		return err
	}
	return artifacts.WriteFile(filepath.Join(dir, "plan.sh"), []byte(text.String()), 0o600)
}

// ByHand is where a script that a person runs writes, below an artifacts root.
func ByHand(root string) script.Places {
	return script.Places{Root: root, State: filepath.Join(root, artifacts.StateDir, "by-hand"), Temp: os.TempDir()}
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
	fields := map[string]any{"witness": f.Witness, "seconds": f.Took.Seconds(), "left": f.Left}
	if f.Err != nil {
		fields["error"] = f.Err.Error()
	}
	c.note("proof", fields)
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
	fields := map[string]any{"topology": topology, "service": e.Service.Name, "state": e.State, "detail": e.Detail}
	if e.PID != 0 { // told when it starts
		fields["pid"] = e.PID
	}
	c.note("service", fields)
}

// smoke proves that every worker serves the load's own body. perf.sh's nvext is
// dropped, and that is said, where the server answers it with 400 and serves without it.
func (c *Campaign) smoke(ctx context.Context, p plan.Plan, t *Topology) (aiperf.Load, error) {
	l := p.Load
	c.Screen.Sweep(ui.Sweep{Proof: "none is answered yet"}) // a first transfer between two GPUs takes up to 30 s
	defer c.Screen.Sweep(ui.Sweep{})
	note := func(text string) {
		c.note("smoke", map[string]any{"topology": t.Name, "waits": text})
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
	c.note("deviation", d)
	if t.Lost == nil { // else it was said
		c.Screen.Note(fmt.Sprintf("%s: the load leaves out nvext.ignore_eos, which the server refuses (HTTP %d)", t.Name, refused.Status))
	}
	return l, nil
}
