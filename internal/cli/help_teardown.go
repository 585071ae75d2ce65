package cli

import (
	"fmt"
	"strings"

	"topobench/internal/host/gpu"
	"topobench/internal/plan"
	"topobench/internal/profile"
	"topobench/internal/recovery"
	"topobench/internal/run"
)

func teardownPage(p *page) {
	p.heading("Teardown")
	p.text("A shepherd, a hidden command of this program, starts every service and adopts all its descendants. " +
		"It kills them on request, when the service ends, and when topobench itself is gone: kill -9 of " +
		"topobench leaves no process.")
	p.text(fmt.Sprintf("A teardown stops the load first, and then, in this order: %s. Each service gets its "+
		"signal and its grace (%v for workers and frontends, %v for the others, unless the profile has "+
		"timeouts.grace or timeouts.graces). Then its shepherd kills what is left of its process tree. The next "+
		"services follow when these accept no more "+
		"requests.", stopOrder(), profile.Defaults().Timeouts.Grace, plan.ShortGrace))

	p.heading("Teardown checks")
	for _, r := range run.TeardownRules() {
		p.item(17, r.Name, fmt.Sprintf("%s (%s)", r.Holds, r.Limit))
	}
	p.text(fmt.Sprintf("If a check fails, the run is DIRTY: it prints the leftovers, starts no further topology, "+
		"and ends with exit code %d. It ends with %d if nothing is left but a foreign process has taken a port "+
		"or a GPU. topobench never signals a process because of its name, port or GPU, and none that the run did "+
		"not start.", codeDirty, codeBusy))

	p.heading("GPUs and ports")
	p.text(fmt.Sprintf("A run claims its GPUs and ports for its whole time; a second run that needs one of them "+
		"ends with exit code %d (--wait-gpus waits for GPUs). nvidia-smi lists the users of GPUs before the run, "+
		"before each launch, during each cell and at the end: a foreign process, or more than %v in use, is exit "+
		"code %[1]d before a launch. Without nvidia-smi, for mockers, and for vLLM on the CPU there is no check "+
		"of GPUs.", codeBusy, gpu.BusyAbove))

	p.heading("Signals")
	names := []string{"first", "second", "third"}
	for i, s := range stopSteps(nil, nil, nil) {
		p.item(10, names[i], s.does)
	}
	p.text(fmt.Sprintf("SIGINT (Ctrl-C), SIGTERM and SIGHUP count alike. SIGHUP has no effect if it was ignored "+
		"at the start, as under nohup. A closed output never ends a run. Signals other than SIGINT within %v are "+
		"one, because timeout and a closed terminal send several. Ctrl-Z during a cell makes the cell invalid.",
		sameSignal))

	p.heading("topobench clean")
	p.text(fmt.Sprintf("If topobench and its shepherds are all killed, the next run, up or perf of the same "+
		"user, or topobench clean, kills and removes what they left. It finds a dead run by its unlocked "+
		"directory %s/tb-* (%s), or by its processes. It identifies a process by the ledger of the run, "+
		"TOPOBENCH_RUN, and open files; boot, user and start time must fit. It does not touch a running run "+
		"(--force stops one), nor the run of another user. clean --host does the same on another machine (topobench "+
		"help hosts).",
		recovery.DefaultTemp, tempVariable))
	p.text(fmt.Sprintf("If the directory of a run was removed, its ledger is gone: clean names the surviving "+
		"processes and kills none, and no run starts beside them (exit code %d). If the journal is damaged, "+
		"clean names the byte, kills what was started before the damage, and ends with %d.", codeDirty, codeFailed))

	p.heading("Limits of the proof")
	for _, limit := range teardownLimits() {
		p.point(limit)
	}
}

// stopOrder lists the roles in the order in which they stop.
func stopOrder() string {
	ranks := map[int][]string{}
	for _, r := range plan.Roles() {
		ranks[r.StopOrder()] = append(ranks[r.StopOrder()], string(r))
	}
	var order []string
	for rank := range len(ranks) {
		order = append(order, strings.Join(ranks[rank], ", "))
	}
	return strings.Join(order, "; ")
}

// teardownLimits are the cases in which a teardown can leave something.
func teardownLimits() []string {
	return []string{
		fmt.Sprintf("A process that another daemon starts on request (docker, systemd-run, at, ssh) is no "+
			"descendant. If it has TOPOBENCH_RUN or writes a log of the run, the checks find it and kill it. "+
			"Otherwise only its port or its GPU memory shows it, and it is reported as foreign: exit code %d if "+
			"its owner is visible, else %d.", codeBusy, codeDirty),
		"A process in state D waits in the kernel or in a GPU driver, and SIGKILL does not end it. After about a " +
			"minute the run is DIRTY.",
		"The ledger has the services and their shepherds only. If topobench and all its shepherds are killed, " +
			"clean cannot find a descendant that left its parent, its environment and its files.",
		"If topobench and all its shepherds are killed, their processes run on until clean or the next run. A " +
			"process that forks faster than clean can list processes may escape it.",
		"As pid 1 of a container topobench inherits the orphans of every docker exec and kubectl exec. It then " +
			"recognises its own only by TOPOBENCH_RUN, open files and ledger. Start the container with docker " +
			"run --init.",
		"Claims and process ids do not reach into other containers. In a container without --pid=host nvidia-smi " +
			"lists no processes: only GPU memory shows that a GPU is in use, and only the container that started " +
			"a run can clean what it left.",
		"topobench was never run on a GPU. The format of nvidia-smi is taken from its documentation, and the GPU " +
			"checks were tested with a fake. make test-gpu tests them on a GPU node and prints its figures.",
	}
}
