package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"topobench/internal/journal"
	"topobench/internal/plan"
	"topobench/internal/report"
	"topobench/internal/run"
	"topobench/internal/verdict"
)

// tailLines is the number of lines of a log on the page.
const tailLines = 20

// mostLogs bounds the logs on the page of a run that failed everywhere.
const mostLogs = 30

// failedLogs are the logs of the services whose launch failed, and of the cells that are invalid, each with the cause.
func failedLogs(records []journal.Record) (logs []report.Log) {
	var launch journal.LaunchBegin
	var states map[string]string // last state of each service before its teardown
	attempt := ""
	for _, r := range records {
		switch e := r.Event.(type) {
		case journal.LaunchBegin:
			launch, states = e, map[string]string{}
		case journal.Service:
			if _, known := states[e.Service]; e.State == "died" || e.State == "ready" || !known {
				states[e.Service] = e.State
			}
		case journal.CellBegin:
			attempt = option(e.Argv, "--artifact-dir")
		case journal.LaunchFailed:
			logs = append(logs, serviceLogs(launch, states, e.Error)...)
		case journal.LaunchLost:
			logs = append(logs, serviceLogs(launch, states, e.Error)...)
		case journal.CellDone:
			if e.State == verdict.Invalid && attempt != "" {
				logs = append(logs, report.Log{Path: attempt + ".log", Cause: strings.Join(e.Reasons, "; "),
					Name: fmt.Sprintf("aiperf at concurrency %d of %s", e.Concurrency, laneName(launch))})
			}
		}
	}
	return logs[:min(len(logs), mostLogs)]
}

// serviceLogs are those of the services that died, or else of those that never became ready.
func serviceLogs(launch journal.LaunchBegin, states map[string]string, cause string) (logs []report.Log) {
	died := slices.Contains(slices.Collect(maps.Values(states)), "died")
	for _, s := range launch.Plan.Services {
		state := states[s.Name]
		if died && state != "died" || !died && (state == "ready" || state == "") {
			continue
		}
		logs = append(logs, serviceLog(launch, s, cause))
	}
	return logs
}

func serviceLog(launch journal.LaunchBegin, s plan.Service, cause string) report.Log {
	log := report.Log{Name: s.Name + " of " + laneName(launch), Cause: head(cause), Path: s.Log}
	if s.Host != "" { // its own is gone with the agent there
		log.Path = run.CopyOfLog(launch.Plan, s)
	}
	return log
}

// option is the value behind an option.
func option(argv []string, name string) string {
	if i := slices.Index(argv, name); i >= 0 && i+1 < len(argv) {
		return argv[i+1]
	}
	return ""
}
