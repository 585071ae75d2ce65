package cli

import "topobench/internal/report"

// baseline explains compare.
func (p *page) baseline() {
	p.heading("Comparison with a baseline (compare A B)")
	p.text("A is the baseline. A side is an artifacts root, a run of it (ROOT/.topobench/RUN-ID), or a file that " +
		"compare ROOT --save FILE wrote, which is the baseline on either side. All artifacts_N of a root count, of " +
		"whatever run, and the output names them; a run has those that its journal names. Both arms of an A/A " +
		"measurement are one label.")
	p.text("Labels are matched by name, or by --as OLD=NEW. Both sides of a label are read at --at, else in the " +
		"middle of the range that all their launches share. Launches of two campaigns are not paired, also if their " +
		"rounds have the same numbers: the interval is Welch's. The differences of the setup are printed first, and " +
		"those of the table above refuse a ratio or are named in its sentence. A label of the baseline that the " +
		"other side lacks is not compared; --only LABEL leaves others out.")
	p.text("The result of a label, with --max-loss " + percent(report.MaxLoss).String() + "; the worst label decides:")
	p.add("")
	for _, r := range report.Results() {
		p.item(nameColumn, string(r.Result), r.Meaning)
	}
	p.text("An A/A measurement (" + report.AAName + " in the root of a side) has several rounds. One launch a side " +
		"resolves less: its limit is larger by the square root of the rounds.")
}
