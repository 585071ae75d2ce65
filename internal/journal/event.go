package journal

import (
	"encoding/json"
	"time"

	"topobench/internal/artifacts"
	"topobench/internal/host/gpu"
	"topobench/internal/plan"
	"topobench/internal/verdict"
)

// Event is one line of the journal: a struct of this package. Kind is its name in the file.
type Event interface{ Kind() string }

// RunBegin is the first event: the process of the run.
type RunBegin struct {
	Boot         string `json:"boot"`                    // the kernel's boot id
	PIDNamespace string `json:"pid_namespace,omitempty"` // its pids are valid in this namespace
	UID          int    `json:"uid"`
	PID          int    `json:"pid"`
	Ticks        uint64 `json:"ticks"` // its start, in clock ticks since boot
}

// Started is a shepherd that is about to start a service. It is in the file before the
// service runs.
type Started struct {
	Name          string `json:"name"`
	Log           string `json:"log"`
	Shepherd      int    `json:"shepherd"` // pid
	ShepherdTicks uint64 `json:"shepherd_ticks"`
}

// Child is the process of a service that now runs, and the leader of its group.
type Child struct {
	Name  string `json:"name"`
	PID   int    `json:"pid"`
	Ticks uint64 `json:"ticks"`
}

// SharedMemoryHeld lists files in /dev/shm that processes of the run hold.
type SharedMemoryHeld struct {
	Held []SharedMemoryFile `json:"held"`
}

// SharedMemoryFile is a file in /dev/shm. The inode distinguishes it from a later one
// of the same name.
type SharedMemoryFile struct {
	Name  string `json:"name"`
	Inode uint64 `json:"inode"`
}

// Versions are the versions of the programs of a topology.
type Versions struct {
	Topology string        `json:"topology"`
	Versions plan.Versions `json:"versions"`
}

// Settings are the engine settings of all topologies, with the ones that differ.
type Settings struct{ artifacts.Settings }

// GPUsUnknown is the reason why the GPUs are not monitored.
type GPUsUnknown struct {
	Why string `json:"unknown"`
}

// GPUs are the devices of a topology before its launch.
type GPUs struct {
	Topology string       `json:"topology"`
	Devices  []gpu.Device `json:"devices"`
	Warnings []string     `json:"warnings"`
}

// GPUWait is the begin of a wait for busy GPUs.
type GPUWait struct {
	Until time.Time `json:"until"`
	Taken []string  `json:"taken"`
}

// LaunchBegin is a plan that is about to be brought up. Round counts from 1, and so does
// Launch, in each round.
type LaunchBegin struct {
	Topology  string    `json:"topology"`
	Round     int       `json:"round"`
	Launch    int       `json:"launch"`
	Artifacts string    `json:"artifacts"` // artifacts_N
	Plan      plan.Plan `json:"plan"`
}

// LaunchFailed is a launch that never became ready.
type LaunchFailed struct {
	Topology string `json:"topology"`
	Round    int    `json:"round"`
	Error    string `json:"error"`
}

// LaunchLost is a launch that can measure no further cell. Concurrency and Attempt
// are zero between two cells.
type LaunchLost struct {
	Topology    string `json:"topology"`
	Round       int    `json:"round"`
	Launch      int    `json:"launch"`
	Class       string `json:"class"`
	Error       string `json:"error"`
	Concurrency int    `json:"concurrency,omitempty"`
	Attempt     string `json:"attempt,omitempty"` // its directory
}

// Service is a change of the state of a service.
type Service struct {
	Topology string `json:"topology"`
	PID      int    `json:"pid,omitempty"` // when it starts
	Service  string `json:"service"`
	State    string `json:"state"`
	Detail   string `json:"detail"`
}

// Smoke is a condition that the smoke test waits for.
type Smoke struct {
	Topology string `json:"topology"`
	Waits    string `json:"waits"`
}

// Deviation is a deviation from the guide that topobench chose while a topology ran.
type Deviation struct{ plan.Deviation }

// ServicesUnknown is the reason why the processes of the services are not listed.
type ServicesUnknown struct {
	Topology string `json:"topology"`
	Error    string `json:"error"`
}

// CellBegin is an aiperf that is about to start.
type CellBegin struct {
	Topology    string   `json:"topology"`
	Round       int      `json:"round"`
	Concurrency int      `json:"concurrency"`
	Argv        []string `json:"argv"`
}

// CellAborted is a cell that the user interrupted.
type CellAborted struct {
	Topology    string `json:"topology"`
	Round       int    `json:"round"`
	Concurrency int    `json:"concurrency"`
}

// CellDone is a published cell with its verdict.
type CellDone struct {
	Topology    string          `json:"topology"`
	Round       int             `json:"round"`
	Concurrency int             `json:"concurrency"`
	State       verdict.State   `json:"state"`
	Reasons     []string        `json:"reasons"`
	Checks      []verdict.Check `json:"checks"`
	Seconds     float64         `json:"seconds"`
	Exit        string          `json:"exit"` // of aiperf

	// Tokens/s/user and tokens/s/GPU, which decide the next cell of an adaptive run; absent = not measured.
	X float64 `json:"x,omitempty"`
	Y float64 `json:"y,omitempty"`
}

// TeardownBegin is the start of a teardown.
type TeardownBegin struct {
	Topology string `json:"topology"`
}

// TeardownCheck is the result of one check at the end of a teardown.
type TeardownCheck struct {
	Check   string   `json:"check"`
	Seconds float64  `json:"seconds"`
	Left    []string `json:"left"`
	Error   string   `json:"error,omitempty"`
}

// TeardownProved records that nothing of a topology is left.
type TeardownProved struct {
	Topology string `json:"topology"`
}

// TeardownBusy records that nothing is left, but that a foreign process has taken a port
// or a GPU meanwhile.
type TeardownBusy struct {
	Topology string `json:"topology"`
	Error    string `json:"error"`
}

// TeardownDirty records that something could not be proved gone.
type TeardownDirty struct {
	Topology string `json:"topology"`
	Error    string `json:"error"`
}

// Killed lists processes of the run that had escaped from their shepherds.
type Killed struct {
	Count     int      `json:"killed"`
	Processes []string `json:"processes"`
}

// SharedMemoryRemoved lists the files removed from /dev/shm, and other new files there.
type SharedMemoryRemoved struct {
	Removed []string `json:"removed"`
	Others  []string `json:"others"`
	Text    string   `json:"text"`
}

// LogCut is a hole that topobench punched into a log; offsets in bytes.
type LogCut struct {
	Log  string `json:"log"`
	From int64  `json:"from"`
	To   int64  `json:"to"`
}

// LogNotCut is the reason why a log keeps growing.
type LogNotCut struct {
	Log   string `json:"log"`
	Error string `json:"error"`
}

// Dropped counts the events that are missing here, because the disk was too slow.
type Dropped struct {
	Count int `json:"count"`
}

// RunEnd is the last event of a run that ended by itself.
type RunEnd struct {
	Dirty bool `json:"dirty"` // something was left
}

// Crashed ends the journal of a killed run. A later process writes it.
type Crashed struct{ Recovered }

// Cleaned is the event of a later process that cleaned up after a run that had ended.
type Cleaned struct{ Recovered }

// Recovered lists what a later process killed and removed.
type Recovered struct {
	Killed []string `json:"killed,omitempty"` // a table of processes
	Shm    []string `json:"shm,omitempty"`    // paths
}

// Kind is the name of the event in the file.
func (RunBegin) Kind() string            { return "run-begin" }
func (Started) Kind() string             { return "started" }
func (Child) Kind() string               { return "child" }
func (SharedMemoryHeld) Kind() string    { return "shm" }
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
