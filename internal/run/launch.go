package run

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"topobench/internal/artifacts"
	"topobench/internal/plan"
	"topobench/internal/script"
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
func (c *Campaign) artifacts(t *Topology, d artifacts.Deployment) (err error) {
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
