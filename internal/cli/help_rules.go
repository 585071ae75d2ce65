package cli

import (
	"fmt"
	"strconv"
	"strings"

	"topobench/internal/aiperf"
	"topobench/internal/deploy"
	"topobench/internal/frontier"
	"topobench/internal/plan"
	"topobench/internal/preflight"
	"topobench/internal/report"
	"topobench/internal/run"
	"topobench/internal/verdict"
)

func rulesPage(p *page) {
	p.heading("Rules")
	p.text("A cell is one topology at one concurrency. When it ends, each rule below gives a check with a state, " +
		"and the worst state is that of the cell. A rule that does not apply to the topology gives no check. " +
		"Without its evidence a rule excludes the cell (unchecked), or is noted (not-made).")
	p.add("")
	for _, r := range verdict.Rules() {
		line := r.Why + ". "
		if r.Threshold != "" {
			line += "Limit: " + r.Threshold + ". "
		}
		line += fmt.Sprintf("Without evidence: %s.", r.WithoutEvidence)
		if r.EndsLaunch {
			line += " Ends the launch."
		}
		p.item(22, string(r.Name), line)
	}
	p.heading("States")
	for _, s := range verdict.States() {
		p.item(22, string(s.State), s.Meaning)
	}
	p.text("A cell that does not count stays in the table, the CSV and the chart (hollow), with its reasons. It " +
		"is not on the frontier.")
	p.text(report.PercentileRule())
	p.text(fmt.Sprintf("The check %s counts the requests between aiperf's records of their connection and their end. "+
		"A client without CPU time records ends late. Such an end counts as soon as a waiting request has its "+
		"connection. If no request waits, the number can be too high.", verdict.Flight))

	p.rounds()

	p.heading("Checks before the start (topobench doctor)")
	p.table(preflight.Names())

	p.heading("Ready")
	p.text(fmt.Sprintf("A topology is ready when every process runs, each gate gave %d good answers in a row "+
		"(the exact number of prefill and decode workers is registered, and the model is listed), and streamed "+
		"completions with the load's own headers and body, at the URL of the load, have moved the request counter "+
		"of every worker. A decode worker that serves without a KV cache from a prefill worker is an "+
		"error.", deploy.GoodAnswers))

	p.heading("Limits of the load")
	for _, line := range aiperf.LimitsText() {
		p.text(line)
	}

	p.heading("Relaunch")
	p.text(fmt.Sprintf("A failed check that ends the launch takes the topology down, with the proof of its "+
		"teardown. It is brought up %d times at most. The new launch measures the cell again in fresh "+
		"directories, and the sweep goes on. After the last launch the rest of the sweep is not "+
		"measured.", run.Launches))

	p.ratio()
	p.adaptive()
	p.baseline()

	p.heading("Exit codes, the strongest first")
	for _, e := range exits() {
		p.item(7, strconv.Itoa(e.code), e.meaning)
	}
}

// ratio explains the frontier and when two of them can be compared.
func (p *page) ratio() {
	part, width := frontier.Limits()
	p.heading("Ratio")
	p.text("A valid point is on the frontier if no other point of its label is at least as good in both " +
		"tok/s/user and tok/s/gpu and better in one. The ratio compares two frontiers at one tok/s/user: the " +
		"middle of their shared range, or plot --at. Between measured points a frontier is a monotone cubic " +
		"(Steffen 1990); beyond them it has no value. The baseline is --baseline, else the aggregated series, " +
		"else the first one. There is no ratio if")
	p.point("the frontiers share no tok/s/user;")
	p.point(fmt.Sprintf("the shared range is less than %.0f %% of the narrower frontier, or %.0f %% of its tok/s/user;",
		100*part, 100*width))
	p.point("a difference below refuses it.")
	p.interval()
	p.objective()
	p.heading("Differences, between two sides and between the artifacts of one label")
	for _, d := range report.Differences() {
		p.item(2, "", strings.ReplaceAll(d.Names, ",", ", "))
		p.item(6, "", fmt.Sprintf("Between: %s. Within: %s. Reason: %s.", d.Between, d.Within, d.Why))
	}
	p.text("The list is printed by run, plan and plot. It always has " + strings.Join(plan.Compared(), ", ") +
		", the version of the engine, and every other argument of an engine, verbatim; a file that --config names " +
		"is read. An argument that one side lacks has vLLM's default, \"0.9 (default)\", or \"default\" where that " +
		"depends on the version, the model or the GPU. \"The same on every side\" is printed only if " +
		"nothing differs. deployment_config.json has the values.")
	p.text("Variables are those of a profile's env, and those of the caller whose names begin with " +
		strings.Join(plan.Recorded(), " ") + ". Secrets and the passwords of URLs are left out.")
}
