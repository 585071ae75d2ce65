package cli

import "topobench/internal/artifacts"

// campaign explains campaign.json, and begins the section of the journal.
func (p *page) campaign() {
	p.heading(artifacts.CampaignName)
	p.table(artifacts.CampaignKeys())
	p.heading("Events of journal.ndjson")
}

// resume explains run --resume.
func (p *page) resume() {
	p.heading("Interrupted runs (run --resume)")
	p.text("A run is a campaign, or continues one. After an interrupt, a kill or a reboot, topobench run " +
		"--resume continues the newest unfinished campaign below --artifacts-root-dir, and --resume --run ID that " +
		"of a run. The profiles and flags are those of the campaign; --verbose, --keep and --wait-gpus may be given.")
	p.point("It first ends what the dead run left, also in the cluster of a run --kube. Finished cells stay. The " +
		"rest is measured in the order of the campaign, in a run of its own below .topobench.")
	p.point("A launch that was cut is launched afresh and goes on in its artifacts_N: its round stays one sample, " +
		"and its further cells carry the check relaunched.")
	p.point("A topology that did not start, or lost its launch, is tried again. Finished cells that are not valid " +
		"are measured again only with --again; the earlier ones move into the directory of the run.")
	p.point("A finished cell counts only if its files are as they were published. A cell that you remove is " +
		"measured again.")
	p.point("If topobench, a profile, a program, the load, a recorded variable, the host, a GPU or its driver has " +
		"changed, the command ends with a table of the differences (exit code 2). With --allow-drift it goes on: " +
		"journal and sidecars have the differences (check drift), and the answer has a note.")
}
