//go:build hosts

package e2e_test

import (
	"strings"
	"time"
)

// slurmTests run in an allocation of both nodes.
func slurmTests() map[string]func(*lab) {
	tests := map[string]func(*lab){"SlurmRun": slurmRuns, "SlurmOtherAllocation": otherAllocation}
	for _, p := range phases() {
		tests["SlurmSrunKilled"+p.name] = func(l *lab) {
			l.slurm()
			r := l.holds(p, "salloc", "-Q", "-N2")
			l.login.sh("kill -9 %d", l.login.find("/usr/bin/srun ", "--nodelist node1").pid)
			r.recovers(p)
		}
		tests["SlurmOrchestratorKilled"+p.name] = func(l *lab) {
			l.slurm()
			l.holds(p, "salloc", "-Q", "-N2").orchestratorKilled()
		}
		tests["SlurmJobCancelled"+p.name] = func(l *lab) {
			l.slurm()
			l.holds(p, "salloc", "-Q", "-N2").jobCancelled()
		}
	}
	return tests
}

// slurmRuns is the main job on fakes, in an allocation.
func slurmRuns(l *lab) {
	l.slurm()
	r := l.start("run", "salloc", "-Q", "-N2", "topobench", "run", l.profile("agg"))
	r.ends(0)
	r.audit(2 * time.Second) // Slurm ends the job's last step later
}

// The profile has devices that the step of the node may not use.
func otherAllocation(l *lab) {
	l.slurm()
	r := l.start("run", "salloc", "-Q", "-N2", "env", "CUDA_VISIBLE_DEVICES=0", "topobench", "run",
		l.profile("agg", "engine: mocker", "engine: vllm", "discovery: {nats: start}\n", ""))
	r.ends(2)
	r.prints("node1", "CUDA_VISIBLE_DEVICES")
	r.audit(2 * time.Second)
}

// After a cancelled job nothing is left on the nodes, whatever the run could prove.
func (r *launched) jobCancelled() {
	l := r.lab
	l.login.sh("scancel %s", strings.Fields(l.login.sh("squeue -h -o %%i"))[0])
	for _, m := range l.nodes() {
		r.nothingOn(m, 20*time.Second)
	}
	<-r.ended
	if code := r.cmd.ProcessState.ExitCode(); code == 0 {
		r.Error("a cancelled run ends with 0")
	}
	if stopped := "died: stopped"; strings.Contains(r.output(), stopped) {
		r.Errorf("the end of the job is not the cause: the output has %q", stopped)
	}
	l.cleans()
	r.audit(5 * time.Second)
}
