package run

// Phase is a step of a run. At any of them a signal may come, and must find the
// way to a complete teardown.
type Phase string

// The phases in the order in which a topology goes through them.
const (
	Claiming   Phase = "claim"    // ports and GPUs are being claimed
	Planning   Phase = "plan"     // artifacts_N and the plan are being written
	Launching  Phase = "launch"   // the processes of a wave are about to be started, all at once
	Starting   Phase = "start"    // a process was started; once for each
	Awaiting   Phase = "await"    // a gate was asked and is not open
	Smoking    Phase = "smoke"    // all gates are open
	Measuring  Phase = "cell"     // aiperf is about to start
	Publishing Phase = "publish"  // a cell's files are about to appear in artifacts_N
	Stopping   Phase = "teardown" // the first service is about to be told to stop
	Proving    Phase = "proof"    // the last service is gone
	Reporting  Phase = "report"   // table, CSV and chart are being written
)

// Phases lists all, for tests that go through them.
func Phases() []Phase {
	return []Phase{Claiming, Planning, Launching, Starting, Awaiting, Smoking, Measuring, Publishing, Stopping, Proving, Reporting}
}

// at tells whoever listens that a phase begins. Nobody does but tests, which hold
// the run there.
func (c *Campaign) at(p Phase) {
	if c.At != nil {
		c.At(p)
	}
}
