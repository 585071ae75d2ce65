package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"

	"topobench/internal/artifacts"
	"topobench/internal/journal"
	"topobench/internal/plan"
	"topobench/internal/report"
	"topobench/internal/text"
	"topobench/internal/ui"
)

// writePage writes the page into dir, and into other directories silently.
func writePage(out *ui.Printer, facts report.Facts, x report.Extras, dir string, others ...string) error {
	var page bytes.Buffer
	if err := facts.HTML(&page, x); err != nil {
		return err
	}
	var faults []error
	for _, to := range append(others, dir) {
		path := filepath.Join(to, facts.Page())
		if err := text.WriteFile(path, page.Bytes(), 0o644); err != nil {
			faults = append(faults, fmt.Errorf("cannot write %s: %w", path, err))
		} else if to == dir {
			out.Print("wrote " + path)
		}
	}
	return errors.Join(faults...)
}

// pageExtras reads what the page has beside the facts: files of artifacts_N and of its cells, and the journals of runs.
// A tree of others has none of them.
func pageExtras(facts report.Facts, root string, runs ...string) report.Extras {
	info, _ := debug.ReadBuildInfo() // nil: built without modules
	x := report.Extras{Version: release(info), Provenance: map[string][]artifacts.Provenance{}}
	note := func(err error) {
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			x.Missing = append(x.Missing, err.Error())
		}
	}
	for _, r := range facts.Rows {
		if _, read := x.Provenance[r.Artifacts]; !read {
			launches, err := artifacts.ReadProvenance(filepath.Join(root, r.Artifacts))
			x.Provenance[r.Artifacts] = launches
			note(err)
		}
	}
	var faults []error
	x.Samples, faults = samplesOf(facts.Rows)
	for _, err := range faults {
		note(err)
	}
	for _, dir := range runs {
		records, err := journal.Read(filepath.Join(dir, journal.Name)) // of a damaged one, those before the damage
		note(err)
		addRun(&x, dir, records)
	}
	return x
}

// samplesOf reads the samples of cells by the paths of their exports, on all processors: a long cell takes 10 ms.
func samplesOf(rows []report.Row) (byCell map[string][]artifacts.Sample, faults []error) {
	read, faults := make([][]artifacts.Sample, len(rows)), make([]error, len(rows))
	var all sync.WaitGroup
	for begin := range runtime.GOMAXPROCS(0) {
		all.Go(func() {
			for i := begin; i < len(rows); i += runtime.GOMAXPROCS(0) {
				dir := filepath.Dir(rows[i].Configuration)
				read[i], faults[i] = artifacts.ReadSamples(filepath.Join(dir, artifacts.SamplesName))
			}
		})
	}
	all.Wait()
	byCell = map[string][]artifacts.Sample{}
	for i, r := range rows {
		if len(read[i]) > 0 {
			byCell[r.Configuration] = read[i]
		}
	}
	return byCell, faults
}

// runsOf are the directories of the runs that measured a row of the facts, the oldest first.
func runsOf(facts report.Facts, root string) (dirs []string) {
	all, err := filepath.Glob(filepath.Join(root, artifacts.StateDir, "*", journal.Name))
	if err != nil {
		return nil // the pattern is bad: the root has a bracket in its name
	}
	shown := map[string]bool{}
	for _, r := range facts.Rows {
		shown[r.Artifacts] = true
	}
	for _, path := range all {
		records, _ := journal.Read(path) // pageExtras reports the fault
		if slices.ContainsFunc(records, func(r journal.Record) bool {
			launch, is := r.Event.(journal.LaunchBegin)
			return is && shown[launch.Artifacts]
		}) {
			dirs = append(dirs, filepath.Dir(path))
		}
	}
	return dirs
}

// addRun adds the timeline of a run, the deviations and scripts of its topologies, and the logs of what failed in it.
func addRun(x *report.Extras, dir string, records []journal.Record) {
	var plans []plan.Plan
	name := ""
	for _, r := range records {
		switch e := r.Event.(type) {
		case journal.LaunchBegin:
			name, plans = e.Topology, append(plans, e.Plan)
			addDeviations(x, name, e.Plan.Deviations...)
		case journal.Deviation:
			addDeviations(x, name, e.Deviation)
		}
	}
	for _, p := range plans {
		if len(p.Dirs) == 0 {
			continue // a server of others has no script
		}
		script, err := os.ReadFile(moved(dir, filepath.Join(p.Dirs[0], "plan.sh")))
		public := plan.Public(string(script), plans...)
		same := func(s report.Script) bool { return s.Text == public }
		if err == nil && !slices.ContainsFunc(x.Scripts, same) { // the rounds of a run have one script
			x.Scripts = append(x.Scripts, report.Script{Name: p.Name + ", run " + filepath.Base(dir), Text: public})
		}
	}
	for _, l := range failedLogs(records) {
		lines, err := text.Tail(moved(dir, l.Path), tailLines)
		if err != nil {
			lines = []string{err.Error()}
		}
		l.Lines = text.Each(lines, func(line string) string { return plan.Public(line, plans...) })
		l.Cause, l.Path = plan.Public(l.Cause, plans...), below(l.Path)
		x.Logs = append(x.Logs, l)
	}
	x.Timelines = append(x.Timelines, redactedTimeline(timelineOf(filepath.Base(dir), records), plans))
}

// redactedTimeline has the errors of launches without secrets.
func redactedTimeline(t report.Timeline, plans []plan.Plan) report.Timeline {
	for _, lane := range t.Lanes {
		for i, s := range lane.Spans {
			lane.Spans[i].Text = plan.Public(s.Text, plans...)
		}
	}
	return t
}

// addDeviations adds deviations of a topology, each once.
func addDeviations(x *report.Extras, topology string, deviations ...plan.Deviation) {
	for _, d := range deviations {
		same := func(have report.Deviating) bool { return have.ID == d.ID && have.Done == d.Done }
		i := slices.IndexFunc(x.Deviations, same)
		if i < 0 {
			i, x.Deviations = len(x.Deviations), append(x.Deviations,
				report.Deviating{ID: d.ID, Guide: d.Guide, Done: d.Done, Why: d.Why, Since: d.Since})
		}
		x.Deviations[i].Topologies = text.Distinct(append(x.Deviations[i].Topologies, topology))
	}
}

// moved is a path of a run in the directory where the run is now: a root may have been moved or sent.
func moved(dir, path string) string {
	if _, inside, found := strings.Cut(path, "/"+filepath.Base(dir)+"/"); found {
		return filepath.Join(dir, inside)
	}
	return path
}

// below is a path from the directory of all runs on: a page that is sent has no path of its machine.
func below(path string) string {
	if i := strings.Index(path, artifacts.StateDir+"/"); i >= 0 {
		return path[i:]
	}
	return filepath.Base(path)
}
