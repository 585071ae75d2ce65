package run

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"topobench/internal/aiperf"
	"topobench/internal/artifacts"
	"topobench/internal/journal"
	"topobench/internal/preflight"
	"topobench/internal/slo"
	"topobench/internal/text"
	"topobench/internal/verdict"
)

// replay is the launches in the journals of a campaign below root, one for each topology and round, in the order in
// which they began. Each has its latest cells.
func replay(root string, records []journal.Record) (all []Topology) {
	of := func(name string, round int) *Topology {
		if i := place(all, name, round); i >= 0 {
			return &all[i]
		}
		all = append(all, Topology{Name: name, Repeat: round})
		return &all[len(all)-1]
	}
	latest := &Topology{}
	for _, r := range records {
		switch e := r.Event.(type) {
		case journal.LaunchBegin:
			latest = of(e.Topology, e.Round)
			latest.Artifacts, latest.Deviations = artifacts.Of(root, e.Artifacts), e.Plan.Deviations
		case journal.Deviation:
			latest.Deviations = append(latest.Deviations, e.Deviation)
		case journal.LevelsSkipped:
			x := of(e.Topology, e.Round)
			x.Beyond = append(x.Beyond, e.Concurrency...)
		case journal.CellDone:
			of(e.Topology, e.Round).finish(finished(root, e))
		}
	}
	return all
}

// place is the index of a launch, or -1.
func place(all []Topology, name string, round int) int {
	return slices.IndexFunc(all, func(t Topology) bool { return t.Name == name && t.Repeat == round })
}

// finished is a cell as its event has it.
func finished(root string, e journal.CellDone) Cell {
	c := Cell{CellID: artifacts.CellID{Topology: e.Topology, Concurrency: e.Concurrency, Repeat: e.Round},
		Verdict: verdict.Verdict{State: e.State, Reasons: e.Reasons, Checks: e.Checks},
		Took:    time.Duration(e.Seconds * float64(time.Second)), X: e.X, Y: e.Y, sum: e.SHA256}
	c.Counts = c.counts()
	c.Path = artifacts.Of(root, e.Artifacts).Cell(e.Concurrency)
	return c
}

// finish adds a cell, in the place of an earlier one of its concurrency.
func (t *Topology) finish(c Cell) {
	same := func(other Cell) bool { return other.Concurrency == c.Concurrency }
	t.Cells = append(slices.DeleteFunc(t.Cells, same), c)
}

// verify compares the finished cells of a launch with the disk. A cell that was removed is measured again, and so is,
// with again, one that is not valid. A published cell that no journal has is adopted: the run was killed between the
// two. The notes are for a person.
func (t *Topology) verify(again bool) (adopted []Cell, notes []string, err error) {
	if _, err := os.Stat(t.Artifacts.Path); errors.Is(err, fs.ErrNotExist) {
		notes = append(notes, fmt.Sprintf("%v: %s was removed: the launch is measured again", t, t.Artifacts.Name()))
		t.Artifacts, t.Cells = artifacts.Artifacts{}, nil
		return nil, notes, nil
	}
	adopted, err = t.unrecorded()
	if err != nil {
		return nil, nil, err
	}
	var kept []Cell
	for _, c := range append(t.Cells, adopted...) {
		sum, err := artifacts.Checksum(c.Path)
		if v, ok := artifacts.Stored(c.Path); ok { // the checksum covers it, and no line of the journal
			c.Verdict = v
			c.Counts = c.counts()
		}
		switch where := filepath.Join(t.Artifacts.Name(), filepath.Base(c.Path)); {
		case errors.Is(err, fs.ErrNotExist):
			notes = append(notes, fmt.Sprintf("%v: %s was removed: it is measured again", t, where))
		case err != nil:
			return nil, nil, err
		case sum != c.sum:
			return nil, nil, fmt.Errorf("cannot resume: %s is not as it was published: restore its files, or move the "+
				"directory away, and it is measured again", c.Path)
		case !again || c.Verdict.State == verdict.Valid:
			kept = append(kept, c)
		}
	}
	t.Cells = kept
	return adopted, notes, nil
}

// unrecorded are the cells in the artifacts_N of a launch that its journals do not have.
func (t *Topology) unrecorded() (cells []Cell, err error) {
	entries, err := os.ReadDir(t.Artifacts.Path)
	if err != nil {
		return nil, artifacts.Cannot("read", t.Artifacts.Path, err)
	}
	for _, entry := range entries {
		digits, is := strings.CutPrefix(entry.Name(), artifacts.CellPrefix)
		concurrency, fault := strconv.Atoi(digits)
		known := slices.ContainsFunc(t.Cells, func(c Cell) bool { return c.Concurrency == concurrency })
		if !is || fault != nil || known {
			continue
		}
		c := Cell{CellID: artifacts.CellID{Topology: t.Name, Concurrency: concurrency, Repeat: t.Repeat},
			Path: t.Artifacts.Cell(concurrency)}
		v, ok := artifacts.Stored(c.Path)
		if c.Verdict = v; !ok {
			return nil, fmt.Errorf("cannot resume: topobench did not publish %s: move it away", c.Path)
		}
		if c.sum, err = artifacts.Checksum(c.Path); err != nil {
			return nil, err
		}
		if m, err := aiperf.Read(filepath.Join(c.Path, aiperf.ExportName)); err == nil { // a failed cell has none
			d, _ := artifacts.ReadDeployment(filepath.Join(t.Artifacts.Path, artifacts.DeploymentName))
			gpus, _ := d.GPUs() // without it there is no tokens/s/GPU
			c.read(m, gpus)
		}
		cells = append(cells, c)
	}
	return cells, nil
}

// begin records the campaign of this run, and restores what its earlier runs have measured.
func (r *Runner) begin(topologies []preflight.Topology) error {
	if r.Campaign == nil { // perf and up have none
		return nil
	}
	if err := r.Dir.WriteCampaign(*r.Campaign); err != nil || r.Past == nil {
		return err
	}
	err := r.restore(topologies)
	r.Screen.Note(fmt.Sprintf("continuing the campaign of run %s: %s finished", r.Campaign.Continues,
		text.Count(len(r.done), "cell is", "cells are")))
	return err
}

// restore takes over the launches and the finished cells of the earlier runs.
func (r *Runner) restore(topologies []preflight.Topology) error {
	for _, run := range r.Past.Torn {
		r.Screen.Note(fmt.Sprintf("run %s was killed while it wrote its journal: the half line was cut off", run))
	}
	for _, record := range r.Past.records {
		if _, is := record.Event.(journal.LaunchBegin); is {
			r.launches++
		}
	}
	var faults []error
	for _, t := range replay(r.Dir.Root(), r.Past.records) {
		i := slices.IndexFunc(topologies, func(w preflight.Topology) bool { return w.Profile.Name == t.Name })
		if i < 0 {
			return fmt.Errorf("cannot resume: the campaign has a topology %s, and no profile has that name now", t.Name)
		}
		w := topologies[i]
		t.Label, t.Rounds = w.Plan.Deployment.Label(), r.rounds()
		adopted, notes, err := t.verify(r.Again)
		faults = append(faults, err)
		for _, note := range notes {
			r.Screen.Note(note)
		}
		for _, c := range adopted {
			r.Journal.Note(r.cellDone(t, c))
		}
		t.Asked = r.asked(w.Profile.Load.Concurrency)
		for _, c := range t.Cells {
			t.ask(c.CellID)
		}
		r.done = append(r.done, t.Cells...)
		for _, level := range t.Beyond {
			id := artifacts.CellID{Topology: t.Name, Concurrency: level, Repeat: t.Repeat}
			r.done = append(r.done, Cell{CellID: id})
		}
		r.beyond(&t, w.Plan.Load.SLO)
		r.launched = append(r.launched, t)
	}
	return errors.Join(faults...)
}

// beyond leaves out the levels of a launch that its finished cells decide: the run may have been killed before it did.
func (r *Runner) beyond(t *Topology, objective string) {
	targets, _ := slo.Parse(objective) // it was checked
	if len(targets) == 0 || len(t.Missing()) == 0 {
		return
	}
	for i, c := range t.Cells {
		if m, err := aiperf.Read(filepath.Join(c.Path, aiperf.ExportName)); err == nil { // else it is not valid
			t.Cells[i].SLO = judgeSLO(c.Verdict, m, targets)
		}
	}
	r.skipBeyond(t, targets)
}

// cellDone is the record of a published cell.
func (r *Runner) cellDone(t Topology, c Cell) journal.CellDone {
	return journal.CellDone{Topology: t.Name, Round: c.Repeat, Concurrency: c.Concurrency, State: c.Verdict.State,
		Reasons: c.Verdict.Reasons, Checks: c.Verdict.Checks, Seconds: c.Took.Seconds(),
		X: c.X, Y: c.Y, Artifacts: t.Artifacts.Name(), SHA256: c.sum}
}

// continued is a launch with the cells that earlier runs have measured of it.
func (r *Runner) continued(t Topology) Topology {
	i := place(r.launched, t.Name, t.Repeat)
	if i < 0 {
		return t
	}
	before := r.launched[i]
	t.Artifacts, t.Cells, t.Continued = before.Artifacts, slices.Clone(before.Cells), len(before.Cells) > 0
	t.Asked, t.Beyond = slices.Clone(before.Asked), slices.Clone(before.Beyond)
	return t
}

// keep adds a launch to those that are over, in the place of what earlier runs have of it.
func (r *Runner) keep(t Topology) {
	if i := place(r.launched, t.Name, t.Repeat); i >= 0 {
		r.launched[i] = t
		return
	}
	r.launched = append(r.launched, t)
}

// Unfinished reports that the campaign of this run has cells that were not measured, and that no SLO leaves out.
func (r *Runner) Unfinished() bool {
	if r.Campaign == nil || r.schedule == nil {
		return false
	}
	skipped := func(c Cell) bool {
		i := place(r.launched, c.Topology, c.Repeat)
		return c.Path == "" && (i < 0 || !slices.Contains(r.launched[i].Beyond, c.Concurrency))
	}
	_, more := r.schedule.Next(slices.DeleteFunc(slices.Clone(r.done), skipped))
	return more
}

// retire moves a published cell that was measured again into the directory of this run.
func (r *Runner) retire(a *attempt) error {
	if _, err := os.Lstat(a.Path); !r.Again || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	dir := filepath.Join(r.Dir.Path(), "replaced")
	err := os.MkdirAll(dir, 0o700)
	if err == nil {
		name := filepath.Base(filepath.Dir(a.Path)) + filepath.Base(a.Path)
		err = os.Rename(a.Path, filepath.Join(dir, name))
	}
	if err != nil {
		return artifacts.Cannot("move the earlier cell", a.Path, err)
	}
	return nil
}
