package journal

import "encoding/json"

// Kind is the name of the event in the file.
func (RunBegin) Kind() string            { return "run-begin" }
func (Started) Kind() string             { return "started" }
func (Child) Kind() string               { return "child" }
func (SharedMemoryHeld) Kind() string    { return "shm" }
func (Host) Kind() string                { return "host" }
func (HostLost) Kind() string            { return "host-lost" }
func (HostRecovered) Kind() string       { return "host-recovered" }
func (HostRemoved) Kind() string         { return "host-removed" }
func (HostEnd) Kind() string             { return "host-end" }
func (Cluster) Kind() string             { return "cluster" }
func (ClusterEnd) Kind() string          { return "cluster-end" }
func (LogFetched) Kind() string          { return "log-fetched" }
func (Versions) Kind() string            { return "versions" }
func (Settings) Kind() string            { return "settings" }
func (GPUsUnknown) Kind() string         { return "gpus-unknown" }
func (GPUs) Kind() string                { return "gpus" }
func (GPUWait) Kind() string             { return "gpu-wait" }
func (LaunchBegin) Kind() string         { return "launch-begin" }
func (LaunchFailed) Kind() string        { return "launch-failed" }
func (LaunchLost) Kind() string          { return "launch-lost" }
func (Service) Kind() string             { return "service" }
func (Smoke) Kind() string               { return "smoke" }
func (Deviation) Kind() string           { return "deviation" }
func (ServicesUnknown) Kind() string     { return "services-unknown" }
func (CellBegin) Kind() string           { return "cell-begin" }
func (CellAborted) Kind() string         { return "cell-aborted" }
func (CellDone) Kind() string            { return "cell-done" }
func (TeardownBegin) Kind() string       { return "teardown-begin" }
func (TeardownCheck) Kind() string       { return "teardown-check" }
func (TeardownProved) Kind() string      { return "teardown-proved" }
func (TeardownBusy) Kind() string        { return "teardown-busy" }
func (TeardownDirty) Kind() string       { return "teardown-dirty" }
func (Killed) Kind() string              { return "killed" }
func (SharedMemoryRemoved) Kind() string { return "shared-memory" }
func (LogCut) Kind() string              { return "log-cut" }
func (LogNotCut) Kind() string           { return "log-not-cut" }
func (Dropped) Kind() string             { return "dropped" }
func (RunEnd) Kind() string              { return "run-end" }
func (Crashed) Kind() string             { return "crashed" }
func (Cleaned) Kind() string             { return "cleaned" }
func (Drift) Kind() string               { return "drift" }
func (LevelsSkipped) Kind() string       { return "levels-skipped" }

// Unknown is an event of a later version.
type Unknown struct{ Name string }

// Kind is the name of the event in the file.
func (u Unknown) Kind() string { return u.Name }

// decode is the one decoder: the event of a line, by its name.
func decode(kind string, line []byte) (Event, error) {
	for _, d := range decoders() {
		if d.kind == kind {
			return d.decode(line)
		}
	}
	return Unknown{kind}, nil
}

type decoder struct {
	kind, meaning string
	decode        func(line []byte) (Event, error)
}

// Kinds are the kinds of all events, each with its meaning.
func Kinds() (kinds [][2]string) {
	for _, d := range decoders() {
		kinds = append(kinds, [2]string{d.kind, d.meaning})
	}
	return kinds
}

// decoders has every event but Unknown.
func decoders() []decoder {
	return []decoder{
		of[RunBegin]("the process of the run"),
		of[Started]("a shepherd is about to start a service; in the file before the service runs"),
		of[Child]("the process of a service runs"),
		of[SharedMemoryHeld]("processes of the run hold these files in /dev/shm"),
		of[Host]("another machine was reached, with the offset of its clock from this machine's"),
		of[HostLost]("another machine does not answer any more"),
		of[HostRecovered]("a lost machine answers again, and the remains of its agent were ended"),
		of[HostRemoved]("processes and files that a teardown ended on another machine beside the services"),
		of[HostEnd]("the agent on another machine has ended, with a line for each thing that is left there"),
		of[Cluster]("the Job of the load runs in a namespace of Kubernetes, and owns all objects of the run"),
		of[ClusterEnd]("that Job was deleted, with all that it owned; with a line for each object that is left"),
		of[LogFetched]("the log of a service on another machine was copied"),
		of[Versions]("versions of the programs of a topology"),
		of[Settings]("engine settings of all topologies, and those that differ"),
		of[GPUsUnknown]("why the GPUs are not monitored"),
		of[GPUs]("the GPUs of a topology before its launch"),
		of[GPUWait]("the run waits for busy GPUs"),
		of[LaunchBegin]("a plan is about to be brought up; the event has the whole plan"),
		of[LaunchFailed]("a launch never became ready"),
		of[LaunchLost]("a launch can measure no further cell"),
		of[Service]("the state of a service changed"),
		of[Smoke]("a condition that the smoke test waits for"),
		of[Deviation]("a deviation from the guide that was chosen while the topology ran"),
		of[ServicesUnknown]("why the processes of the services are not listed"),
		of[CellBegin]("aiperf is about to start, with these arguments"),
		of[CellAborted]("the user interrupted a cell"),
		of[CellDone]("a cell was published, with its checks"),
		of[LevelsSkipped]("concurrencies are not measured, since two lower ones are outside the SLO"),
		of[TeardownBegin]("a teardown starts"),
		of[TeardownCheck]("the result of one teardown check"),
		of[TeardownProved]("nothing of the topology is left"),
		of[TeardownBusy]("nothing is left, but a foreign process has taken a port or a GPU"),
		of[TeardownDirty]("something could not be proved gone"),
		of[Killed]("processes that had escaped from their shepherds were killed"),
		of[SharedMemoryRemoved]("files in /dev/shm were removed"),
		of[LogCut]("a hole was made in the middle of a log"),
		of[LogNotCut]("why a log keeps growing"),
		of[Dropped]("number of events that are missing because the disk was too slow"),
		of[RunEnd]("the run ended by itself"),
		of[Crashed]("the run was killed; a later process cleaned up after it"),
		of[Cleaned]("a later process cleaned up after a run that had ended"),
		of[Drift]("what had changed when a run continued its campaign with --allow-drift"),
	}
}

func of[E Event](meaning string) decoder {
	var zero E
	return decoder{zero.Kind(), meaning, func(line []byte) (Event, error) {
		var e E
		err := json.Unmarshal(line, &e)
		return e, err
	}}
}
