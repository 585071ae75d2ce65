package slurm

import "topobench/internal/host/agent"

// Messages are those of Slurm. The first that matches counts.
func Messages() []agent.Message {
	again := "make a new allocation (" + Salloc(2) + "), and start topobench in it"
	return agent.Table("Slurm", [][3]string{
		{`"(srun|scontrol|squeue|scancel)": executable file not found`,
			"this machine has no Slurm commands",
			"start topobench on a machine of the cluster, load its module, or use transport ssh"},
		{`Unable to contact slurm controller|[Cc]onnection refused|Protocol authentication error|` +
			`Munge (encode|decode) failed|Zero Bytes were transmitted`,
			"the controller of Slurm does not answer", "see scontrol ping, and whether munge runs on this machine"},
		{`DUE TO TIME LIMIT|DUE to TIME LIMIT`,
			"the time limit of the job is over",
			"make an allocation for longer (salloc --time), and start topobench in it"},
		{`job \d+ has expired|Expired or invalid job|Invalid job id specified|Job/step already completing`,
			"the job has ended, or there is none of that number", again},
		{`Job allocation \d+ has been revoked|JOB \d+ .*CANCELLED`, "the job was cancelled", again},
		{`Invalid node name specified|Requested node configuration is not available|Node \S+ not found`,
			"there is no such node in the allocation",
			"see its nodes (scontrol show hostnames), and correct the hosts of the profile"},
		{`DUE TO NODE FAILURE|Node failure on|error: .*[Nn]ode .* (down|not responding)`,
			"a node of the job has failed", "see sinfo -R, and " + again},
		{`Access/permission denied|Invalid user id`,
			"the job belongs to another user", again},
		{`STEP \S+ ON .* CANCELLED|Job step aborted|Force Terminated`,
			"the job, or its step on ADDRESS, was cancelled", "see which (squeue, sacct), and start topobench again"},
		{`Requested nodes are busy|step creation (temporarily disabled|still disabled)|` +
			`More processors requested than permitted`,
			"another step of the job has what this one needs", "end that step, or start it with srun --overlap"},
		{`execve\(\): .*: No such file or directory`,
			"a program is missing on ADDRESS", "install a POSIX shell there"},
	})
}
