package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"reflect"
	"slices"

	"topobench/internal/artifacts"
	"topobench/internal/frontier"
	"topobench/internal/text"
)

// BaselineName is the usual name of a saved campaign.
const BaselineName = "baseline.json"

// baselineSchema is the version of the keys of a saved campaign.
const baselineSchema = 1

// Campaign is the part of an artifacts root, or of one run in it, that a later one is compared with.
type Campaign struct {
	Schema int     `json:"schema" help:"version of these keys: 1"`
	From   string  `json:"from" help:"root or run that was saved"`
	X      string  `json:"x" help:"axis of the points: user, p90 or e2e"`
	Labels []Label `json:"labels" help:"series, each with the keys below"`
	AA     []AA    `json:"aa" help:"A/A measurements of the root, as in aa.json"`
}

// Label is one series of a campaign.
type Label struct {
	Label      string   `json:"label" help:"kind and mode of the deployment"`
	Setup      Setup    `json:"setup" help:"work, requests and GPUs of its cells"`
	Host       string   `json:"host" help:"machine; empty if it is not recorded"`
	Simulated  bool     `json:"simulated" help:"true if the engine computes nothing"`
	Mixed      []string `json:"mixed" help:"differences between its launches that refuse a ratio"`
	Noted      []string `json:"noted" help:"checks that could not be made"`
	Notes      []string `json:"notes" help:"observations that limit the numbers"`
	Miscounted bool     `json:"token_counts_differ" help:"true if aiperf counts other tokens than the server"`
	Cells      int      `json:"cells" help:"measured cells"`
	Valid      int      `json:"valid" help:"valid ones"`
	Launches   []Launch `json:"launches" help:"one for each artifacts_N"`
}

// Launch is one artifacts_N of a label.
type Launch struct {
	Artifacts  string               `json:"artifacts" help:"artifacts_N of the launch"`
	Round      int                  `json:"round" help:"round of the launch; 0: not recorded"`
	AIPerf     string               `json:"aiperf_version" help:"aiperf that measured it"`
	Points     []LaunchPoint        `json:"points" help:"valid cells: concurrency, tokens/s/user, tokens/s/gpu"`
	Deployment artifacts.Deployment `json:"deployment" help:"deployment_config.json of the launch"`
}

// LaunchPoint is one valid cell.
type LaunchPoint struct {
	Concurrency int     `json:"concurrency"`
	X           float64 `json:"tokens_per_second_per_user"`
	Y           float64 `json:"tokens_per_second_per_gpu"`
}

// BaselineKeys are the keys of baseline.json, each with its meaning.
func BaselineKeys() (keys [][2]string) {
	parts := []reflect.Type{reflect.TypeFor[Campaign](), reflect.TypeFor[Label](), reflect.TypeFor[Launch]()}
	for _, of := range parts {
		for field := range of.Fields() {
			keys = append(keys, [2]string{field.Tag.Get("json"), field.Tag.Get("help")})
		}
	}
	return keys
}

// CampaignOf makes a campaign of cells. All launches of a label count, also those of several runs, and both arms of an
// A/A measurement are one label. It fails like Of.
func CampaignOf(cells []artifacts.Cell, from, x string, aa []AA) (Campaign, error) {
	cells = slices.Clone(cells)
	for i := range cells {
		cells[i].Deployment.Arm = ""
	}
	f, err := Of(cells, Options{X: x})
	c := Campaign{Schema: baselineSchema, From: from, X: f.X, Labels: []Label{}, AA: append([]AA{}, aa...)}
	for _, s := range f.Series {
		c.Labels = append(c.Labels, s.label(f.Rows))
	}
	return c, err
}

// label is the part of a series that is kept.
func (s Series) label(rows []Row) Label {
	l := Label{Label: s.Label, Setup: s.Setup, Host: s.host, Simulated: s.Simulated, Mixed: s.Mixed, Noted: s.Noted,
		Notes: s.Notes, Miscounted: s.miscounted, Cells: s.Cells, Valid: s.Valid, Launches: []Launch{}}
	for _, one := range s.each {
		kept := Launch{Artifacts: fmt.Sprintf("artifacts_%d", one.n), Round: one.round, Points: []LaunchPoint{},
			Deployment: one.deployment}
		for _, p := range one.points {
			kept.Points = append(kept.Points, LaunchPoint{p.Concurrency, p.X.Mean, p.Y.Mean})
		}
		for _, r := range rows {
			if r.cell.N == one.n && r.AIPerf != "" {
				kept.AIPerf = r.AIPerf
			}
		}
		l.Launches = append(l.Launches, kept)
	}
	return l
}

// series is the label as a side of a comparison, under a name.
func (l Label) series(name string) Series {
	s := Series{Label: name, Simulated: l.Simulated, Setup: l.Setup, Mixed: l.Mixed, Noted: l.Noted, Notes: l.Notes,
		miscounted: l.Miscounted, plain: l.Label, host: l.Host}
	for i, kept := range l.Launches {
		var points []frontier.Point
		for _, p := range kept.Points {
			points = append(points, frontier.Point{X: p.X, Y: p.Y})
		}
		one := launch{n: i, round: kept.Round, curve: curveOf(points), apart: true}
		if s.each = append(s.each, one); one.curve != nil {
			s.curve = one.curve
		}
	}
	return s
}

// Measured reports whether a label has a valid cell.
func (c Campaign) Measured() bool {
	return slices.ContainsFunc(c.Labels, func(l Label) bool { return l.Valid > 0 && len(l.Mixed) == 0 })
}

// Save writes a campaign as baseline.json. It replaces another saved campaign, and no other file.
func (c Campaign) Save(path string) error {
	if _, err := ReadCampaign(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot replace %s, which is no saved baseline: name another file", path)
	}
	data, err := json.MarshalIndent(c, "", "  ")
	if err == nil {
		err = text.WriteFile(path, append(data, '\n'), 0o644)
	}
	if err != nil {
		return fmt.Errorf("cannot save the baseline: %w", err)
	}
	return nil
}

// ReadCampaign reads a saved campaign.
func ReadCampaign(path string) (c Campaign, err error) {
	data, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(data, &c)
	}
	const remedy = "write one with topobench compare ROOT --save FILE"
	switch {
	case err != nil:
		return c, fmt.Errorf("cannot read the baseline %s: %w: %s", path, err, remedy)
	case c.Schema == 0:
		return c, fmt.Errorf("cannot read the baseline %s: it has no schema: %s", path, remedy)
	case c.Schema > baselineSchema:
		return c, fmt.Errorf("cannot read the baseline %s: it has schema %d, and this topobench reads up to %d: "+
			"use a newer one", path, c.Schema, baselineSchema)
	case c.X == "" || len(c.Labels) == 0:
		return c, fmt.Errorf("cannot read the baseline %s: it has no axis or no series: %s", path, remedy)
	}
	return c, nil
}
