package run

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"topobench/internal/artifacts"
	"topobench/internal/plan"
	"topobench/internal/result"
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
func (c *Campaign) artifacts(t *Topology, d result.Deployment) (err error) {
	if t.Artifacts, err = c.Run.NextArtifacts(); err != nil {
		return err
	}
	config, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return err
	}
	path := t.Artifacts.Path
	if err = artifacts.WriteFile(filepath.Join(path, artifacts.DeploymentName), append(config, '\n'), 0o644); err != nil {
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

// ByHand is the site of a script that a person runs. Its processes carry no cookie of a
// run and write into no run's directory: recovery would kill them with the leftovers of
// that run. Each call of the script has a directory and a namespace of its own.
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
