package cli

import (
	"path/filepath"

	"topobench/internal/aiperf"
	"topobench/internal/artifacts"
	"topobench/internal/journal"
	"topobench/internal/report"
)

func artifactsPage(p *page) {
	p.heading("Files below artifacts_root")
	state := filepath.Join(artifacts.StateDir, "RUN-ID")
	cell := filepath.Join("artifacts_N", artifacts.CellName(4))
	p.table([][2]string{
		{filepath.Join("artifacts_N", artifacts.DeploymentName), "the topology; written before its first cell. N " +
			"is the next free number; each launch of a topology, one in a round, has its own"},
		{filepath.Join("artifacts_N", artifacts.ProvenanceName(1)), "where the numbers of a launch come from; " +
			"a further launch has " + artifacts.ProvenanceName(2)},
		{filepath.Join(cell, aiperf.ExportName), "aiperf's result at concurrency 4"},
		{filepath.Join(cell, artifacts.SidecarName), "the verdict of topobench on it"},
		{filepath.Join(cell, artifacts.SamplesName), "its GPUs and engines, a line each second"},
		{"pareto_plot.png, pareto_plot.svg", "the chart; pareto_plot_p50.png with plot --stat p50, " +
			"pareto_plot_e2e.png with --x e2e"},
		{"results.csv", "a row for each cell; results_p50.csv with plot --stat p50, results_e2e.csv with --x e2e"},
		{"report.html", "the page to read and to send, in one file: answers, chart with links to the cells, " +
			"differences, deviations, provenance, timeline, samples, logs of what failed, scripts. run writes it, " +
			"and plot --html; report_e2e.html with --x e2e shows that axis first"},
		{"summary.csv", "a row for each series and concurrency: means over launches with intervals"},
		{report.AAName, "A/A measurements (one profile as two sides) with the difference that the node resolves"},
		{filepath.Join(state, "journal.ndjson"), "one event a line; crc is the CRC-32C of the line up to it"},
		{filepath.Join(state, artifacts.CampaignName), "the command and its profiles, for run --resume"},
		{filepath.Join(state, "topologies", "NAME"), "logs, rendered files and plan.sh of a topology; " +
			"those of its second round are in round-2, of a restart in launch-2 below its round"},
		{filepath.Join(state, "NAME.manifests.yaml"), "the objects of a topology on Kubernetes, as they were created"},
		{filepath.Join(state, "NAME.admitted-1.yaml"), "the same objects and the pods, as the cluster had them when " +
			"they were ready; 1 is the place of the launch in the run"},
		{filepath.Join(state, "cells"), "the raw output of every attempt of aiperf; c4-r2 is concurrency 4 in round 2"},
	})
	p.text("A file is complete or absent, and a published cell is never overwritten. Upstream's plot_pareto.py " +
		"reads this tree, and topobench plot reads a tree of upstream's perf.sh.")

	p.text("To send results, send report.html, the CSV files and artifacts_N, which hold no key or token of " +
		"topobench. aiperf's export repeats aiperf's command; aiperf 0.13 redacts its headers. " + artifacts.StateDir +
		" stays private (mode 0600): journal, campaign and plan.sh repeat the command as it was typed, with the " +
		"values of --api-key and --set, and the logs of engines hold what the engines print.")
	p.text("A run starts only if its cells and --min-free fit on the disk. The middle of a log that is longer " +
		"than --log-cap becomes a hole, which reads as zeros. A disk that fails ends the run: the topology is " +
		"taken down, and finished cells stay.")
	contents(p)
}

// contents describes the keys, columns and events of the files.
func contents(p *page) {
	for _, file := range []struct {
		name string
		keys [][2]string
	}{
		{artifacts.DeploymentName, artifacts.DeploymentKeys()}, {artifacts.SidecarName, artifacts.SidecarKeys()},
		{artifacts.ProvenanceName(1), artifacts.ProvenanceKeys()}, {artifacts.SamplesName, artifacts.SampleKeys()},
	} {
		p.heading(file.name)
		p.table(file.keys)
	}
	p.heading("results.csv")
	for _, c := range report.Columns() {
		name := c.Name
		if name == "" {
			name = "(first)"
		}
		p.item(nameColumn, name, c.Help)
	}
	p.heading("summary.csv")
	for _, c := range report.SummaryColumns() {
		p.item(nameColumn, c.Name, c.Help)
	}
	p.heading(report.AAName)
	p.table(report.AAKeys())
	p.heading(report.BaselineName + " (compare --save)")
	p.table(report.BaselineKeys())
	p.campaign()
	p.table(journal.Kinds())
}
