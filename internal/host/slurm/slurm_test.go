package slurm

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"topobench/internal/host/agent"
)

var _ agent.Transport = Transport{}

// Lines of scontrol --oneliner show node from Slurm 22.05, cut, of which the second has a name as its address.
const described = `NodeName=node0 Arch=x86_64 CoresPerSocket=1  CPUAlloc=0 CPUEfctv=2 CPUTot=2 CPULoad=3.43 ` +
	`AvailableFeatures=(null) ActiveFeatures=(null) Gres=(null) NodeAddr=10.0.0.5 NodeHostName=vm Port=26818 ` +
	`Version=22.05.8 OS=Linux 6.18.44 #1 SMP PREEMPT_DYNAMIC @0  RealMemory=1 State=IDLE ThreadsPerCore=1
NodeName=node1 Arch=x86_64 CoresPerSocket=1  CPUAlloc=0 CPUEfctv=2 CPUTot=2 CPULoad=3.43 ` +
	`AvailableFeatures=(null) ActiveFeatures=(null) Gres=(null) NodeAddr=localhost NodeHostName=vm Port=26819 ` +
	`Version=22.05.8 OS=Linux 6.18.44 #1 SMP PREEMPT_DYNAMIC @0  RealMemory=1 State=IDLE ThreadsPerCore=1
`

// answer is what a program of Slurm prints in a test.
type answer struct {
	stdout, stderr string
	code           int
	err            error
}

// script answers by the beginning of a command line, and keeps the command lines.
func script(answers map[string]answer, seen *[]string) Run {
	return func(_ context.Context, argv ...string) (string, string, int, error) {
		line := strings.Join(argv, " ")
		if seen != nil {
			*seen = append(*seen, line)
		}
		for begin, a := range answers {
			if strings.HasPrefix(line, begin) {
				return a.stdout, a.stderr, a.code, a.err
			}
		}
		return "", "", 0, errors.New("no answer for " + line)
	}
}

func inJob(name string) string {
	return map[string]string{"SLURM_JOB_ID": "7", "SLURM_JOB_NODELIST": "node[0-1]"}[name]
}

func TestAllocation(t *testing.T) {
	run := script(map[string]answer{
		"scontrol show hostnames node[0-1]":       {stdout: "node1\nnode0\n", stderr: "a warning\n"},
		"scontrol --oneliner show node node[0-1]": {stdout: strings.Replace(described, "localhost", "10.0.0.6", 1)},
	}, nil)
	job, err := Allocation(t.Context(), inJob, run)
	want := []Node{{"node1", "10.0.0.6"}, {"node0", "10.0.0.5"}} // in Slurm's order
	if err != nil || job.ID != "7" || !slices.Equal(job.Nodes, want) {
		t.Errorf("%+v, %v", job, err)
	}
}

func TestNoAllocation(t *testing.T) {
	job, err := Allocation(t.Context(), func(string) string { return "" }, script(nil, nil))
	if err != nil || job.ID != "" {
		t.Errorf("%+v, %v", job, err)
	}
}

func TestAllocationFails(t *testing.T) {
	const names, nodes = "scontrol show hostnames", "scontrol --oneliner show node"
	good := answer{stdout: "node0\nnode1\n"}
	for _, row := range []struct {
		name    string
		answers map[string]answer
		words   []string
	}{
		{"no scontrol", map[string]answer{names: {err: &exec.Error{Name: "scontrol", Err: exec.ErrNotFound}}},
			[]string{"no Slurm commands", "transport ssh"}},
		{"controller is down", map[string]answer{names: good,
			nodes: {stderr: "slurm_load_node error: Unable to contact slurm controller (connect failure)\n", code: 1}},
			[]string{"controller of Slurm does not answer", "scontrol ping"}},
		{"unknown", map[string]answer{names: {stderr: "strange\n", code: 5}}, []string{"scontrol ended with exit 5: strange"}},
		{"none", map[string]answer{names: {}, nodes: {}}, []string{"scontrol lists none for node[0-1]"}},
		{"no address", map[string]answer{names: good, nodes: {stdout: strings.Split(described, "\n")[0]}},
			[]string{"no address of node node1", "--hosts"}},
		{"loopback", map[string]answer{names: good, nodes: {stdout: described}},
			[]string{"address localhost of node node1", "other nodes cannot reach", "--hosts"}},
		{"start", map[string]answer{names: {err: fs.ErrPermission}}, []string{"permission denied"}},
	} {
		_, err := Allocation(t.Context(), inJob, script(row.answers, nil))
		for _, word := range row.words {
			if err == nil || !strings.Contains(err.Error(), word) {
				t.Errorf("%s: %v lacks %q", row.name, err, word)
			}
		}
	}
}

func TestResolvePrefersWhatOthersReach(t *testing.T) {
	for _, row := range []struct {
		found []string
		want  string
	}{
		{[]string{"127.0.1.1", "fd00::1", "10.0.0.5"}, "10.0.0.5"},
		{[]string{"::1", "fe80::1", "fd00::1"}, "fd00::1"},
		{[]string{"127.0.1.1"}, ""},
	} {
		lookup := func(context.Context, string) ([]string, error) { return row.found, nil }
		if got, err := resolve(t.Context(), "node0", "vm", lookup); got != row.want || (err == nil) != (row.want != "") {
			t.Errorf("%v: %q, %v", row.found, got, err)
		}
	}
}

func TestArgv(t *testing.T) {
	got := strings.Join(Transport{Job: "7", Node: "node1", Step: "topobench-r1"}.Argv("exec x"), " ")
	want := "srun --jobid 7 --overlap --nodes 1 --ntasks 1 --nodelist node1 --export=ALL --cpu-bind=none " +
		"--job-name topobench-r1 sh -c exec x"
	if got != want {
		t.Errorf("%s\n%s", got, want)
	}
}

// Only the step of that name is signalled: others of the job belong to the user.
func TestAbort(t *testing.T) {
	var seen []string
	run := script(map[string]answer{
		"squeue --noheader --steps --jobs 7 ": {stdout: "   7.0    topobench-r1\n   7.1  sh\n   7.12  topobench-r1\n" +
			"  7.extern   extern\n  7.2 topobench-r10\n"},
		"scancel": {stderr: "scancel: error: Kill job error on job step id 7: Invalid job id specified\n", code: 225},
	}, &seen)
	// So it ends where the job has further nodes: recorded with Slurm 22.05, which did send the signal.
	err := Transport{Job: "7", Node: "node1", Step: "topobench-r1"}.abort(t.Context(), run)
	want := []string{"scancel --signal=TERM --full 7.0", "scancel --signal=TERM --full 7.12"}
	if err != nil || len(seen) != 3 || !slices.Equal(seen[1:], want) {
		t.Errorf("%q, %v", seen, err)
	}
}

func TestAbortFails(t *testing.T) {
	run := script(map[string]answer{
		"squeue":  {stdout: "7.0 s\n"},
		"scancel": {stderr: "scancel: error: Kill job error on job step id 7: Access/permission denied\n", code: 1},
	}, nil)
	err := Transport{Job: "7", Node: "node1", Step: "s"}.abort(t.Context(), run)
	if err == nil || !strings.Contains(err.Error(), "cannot stop step 7.0 on node1: the job belongs to another user") {
		t.Error(err)
	}
}

// Outputs of Slurm 22.05, recorded, except the last three, which are from its documentation.
func TestMessages(t *testing.T) {
	for _, row := range []struct{ printed, means, next string }{
		{`exec: "srun": executable file not found in $PATH`, "no Slurm commands", "module"},
		{"srun: error: Unable to confirm allocation for job 99: Invalid job id specified\n" +
			"srun: Check SLURM_JOB_ID environment variable. Expired or invalid job 99", "the job has ended", "salloc -N2"},
		{"srun: error: Slurm job 2 has expired\n" +
			"srun: Check SLURM_JOB_ID environment variable. Expired or invalid job 2", "the job has ended", "salloc -N2"},
		{"srun: error: Unable to create step for job 1: Requested node configuration is not available",
			"no such node", "scontrol show hostnames"},
		{"srun: error: Unable to allocate resources: Invalid node name specified", "no such node", "hosts of the profile"},
		{"Node nope not found", "no such node", "hosts of the profile"},
		{"srun: error: Unable to confirm allocation for job 3: Unable to contact slurm controller (connect failure)\n" +
			"srun: Check SLURM_JOB_ID environment variable. Expired or invalid job 3",
			"controller of Slurm does not answer", "scontrol ping"},
		{"slurmstepd-node0: error: *** STEP 2.0 ON node0 CANCELLED AT 2026-11-30T14:48:53 ***\n" +
			"srun: error: node0: task 0: Terminated\nsrun: Force Terminated StepId=2.0", "its step on node1, was cancelled", "sacct"},
		{"salloc: Job allocation 2 has been revoked.\n" +
			"slurmstepd-node0: error: *** STEP 2.2 ON node0 CANCELLED AT 2026-11-30T14:48:54 ***", "job was cancelled", "salloc"},
		{"srun: error: Unable to create step for job 2: More processors requested than permitted",
			"another step", "--overlap"},
		{"slurmstepd-node1: error: execve(): /nope: No such file or directory", "missing on node1", "POSIX shell"},
		{"slurmstepd: error: *** STEP 3.0 ON node0 CANCELLED AT 2026-11-30T14:48:54 DUE TO TIME LIMIT ***",
			"time limit", "salloc --time"},
		{"srun: error: Node failure on node1", "has failed", "sinfo -R"},
		{"srun: Job 3 step creation temporarily disabled, retrying (Requested nodes are busy)", "another step", "--overlap"},
	} {
		err := Transport{Job: "7", Node: "node1"}.Explain(row.printed, 1)
		if err == nil || !strings.Contains(err.Error(), row.means) || !strings.Contains(err.Error(), row.next) {
			t.Errorf("%s:\n%v", row.printed, err)
		}
	}
	for _, printed := range []string{"", "srun: cluster configuration lacks support for cpu binding", "Welcome"} {
		if err := (Transport{}).Explain(printed, 1); err != nil {
			t.Errorf("%s: %v", printed, err)
		}
	}
}

func TestSrunIsMissing(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	_, err := agent.Dial{Name: "node1", Transport: Transport{Job: "7", Node: "n7"}, Exe: os.Args[0], Run: "r1-node1",
		Log: dir + "/log"}.Connect(t.Context())
	want := "cannot connect to node1 (srun on n7 of job 7): this machine has no Slurm commands: "
	if err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Error(err)
	}
}
