package run

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"topobench/internal/artifacts"
	"topobench/internal/journal"
	"topobench/internal/recovery"
)

// Past is a campaign of earlier runs, which a run continues.
type Past struct {
	artifacts.Campaign          // of the first run
	Runs               []string // directories of its runs, the first one first
	Finished           bool     // every cell of it was measured
	Torn               []string // runs whose journal ended in half a line

	records []journal.Record // of all runs, in order
}

// NotFoundError reports that there is no campaign to continue.
type NotFoundError struct{ Why string }

func (e *NotFoundError) Error() string { return "cannot resume: " + e.Why }

// LiveError reports that a run of the campaign has not ended.
type LiveError struct{ Run, Root string }

func (e *LiveError) Error() string {
	return fmt.Sprintf("cannot resume: run %s is still running; wait for it, or stop it with topobench clean --force "+
		"--artifacts-root-dir %s", e.Run, e.Root)
}

// FindPast is the campaign of the run with that id, else the newest one below root: unfinished, unless again.
func FindPast(root, id string, again bool) (*Past, error) {
	all, damaged, err := campaigns(root)
	if err = cmp.Or(err, damaged[id]); err != nil {
		return nil, err
	}
	for _, p := range all {
		of := slices.ContainsFunc(p.Runs, func(run string) bool { return filepath.Base(run) == id })
		if id != "" && !of {
			continue
		}
		if err := p.read(); err != nil {
			return nil, err
		}
		if of || again || !p.Finished {
			return p, p.newerThan(damaged, id)
		}
	}
	switch {
	case len(damaged) > 0 && id == "":
		return nil, errors.Join(slices.Collect(maps.Values(damaged))...)
	case id != "":
		return nil, &NotFoundError{fmt.Sprintf("%s has no campaign of run %s", root, id)}
	case len(all) == 0:
		return nil, &NotFoundError{root + " has no campaign; topobench run PROFILE... begins one"}
	}
	return nil, &NotFoundError{fmt.Sprintf("every campaign of %s is finished; topobench plot draws its results, and "+
		"--again measures cells that are not valid", root)}
}

// newerThan refuses a campaign that nobody named if a newer run may be the one to continue.
func (p *Past) newerThan(damaged map[string]error, id string) error {
	newest := filepath.Base(p.Runs[len(p.Runs)-1])
	for run, err := range damaged {
		if id == "" && run > newest {
			return fmt.Errorf("%w\n  the campaign of run %s is older: to continue it, add --run %[2]s", err, newest)
		}
	}
	return nil
}

// RunsOf are the directories of all runs of the campaign of a run, the first one first. A run without a campaign is
// alone.
func RunsOf(dir string) ([]string, error) {
	all, damaged, err := campaigns(filepath.Dir(filepath.Dir(dir)))
	err = cmp.Or(err, damaged[filepath.Base(dir)])
	for _, p := range all {
		if slices.Contains(p.Runs, dir) {
			return p.Runs, nil
		}
	}
	return []string{dir}, err
}

// campaigns are those of this user below root, the one with the newest run first. Their journals are not read. A run
// whose campaign.json is damaged has its fault, by its id, and leaves the other campaigns alone.
func campaigns(root string) (all []*Past, damaged map[string]error, err error) {
	state := filepath.Join(root, artifacts.StateDir)
	entries, err := os.ReadDir(state)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, artifacts.Cannot("look for campaigns in", state, err)
	}
	damaged = map[string]error{}
	type member struct {
		path string
		artifacts.Campaign
	}
	of := map[string][]member{}
	for _, entry := range entries {
		m := member{path: filepath.Join(state, entry.Name())}
		if !recovery.Own(m.path) {
			continue
		}
		m.Campaign, err = artifacts.ReadCampaign(m.path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			damaged[entry.Name()] = fmt.Errorf("cannot resume: %w", err)
			continue
		}
		first := cmp.Or(m.Continues, entry.Name())
		of[first] = append(of[first], m)
	}
	for first, members := range of {
		slices.SortFunc(members, func(a, b member) int { return cmp.Compare(a.Number, b.Number) })
		p := &Past{Campaign: members[0].Campaign}
		p.Continues = first
		for _, m := range members {
			p.Runs, p.Number = append(p.Runs, m.path), m.Number
		}
		all = append(all, p)
	}
	newest := func(p *Past) string { return p.Runs[len(p.Runs)-1] }
	slices.SortFunc(all, func(a, b *Past) int { return cmp.Compare(newest(b), newest(a)) })
	return all, damaged, nil
}

// read reads the journals. Every run of the campaign must have ended.
func (p *Past) read() error {
	for _, path := range p.Runs {
		records, err := journal.Read(filepath.Join(path, journal.Name))
		if err != nil {
			return fmt.Errorf("cannot resume: %w", err)
		}
		if journal.EndIn(records) == journal.NoEnd {
			return &LiveError{Run: filepath.Base(path), Root: filepath.Dir(filepath.Dir(path))}
		}
		p.Finished = false
		for _, r := range records {
			switch e := r.Event.(type) {
			case journal.RunEnd:
				p.Finished = e.Finished
			case journal.Crashed:
				if e.Torn > 0 {
					p.Torn = append(p.Torn, filepath.Base(path))
				}
			}
		}
		p.records = append(p.records, records...)
	}
	return nil
}

// Next is the campaign.json of a run that continues the campaign.
func (p *Past) Next() artifacts.Campaign {
	next := p.Campaign
	next.Number++
	return next
}
