package journal

import (
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

// Host is another machine of the run, when its agent was reached. Run is the id of the agent's own run there.
type Host struct {
	Name      string  `json:"name"`
	Transport string  `json:"transport"`
	User      string  `json:"user,omitempty"`
	Address   string  `json:"address"`
	Hostname  string  `json:"hostname"`
	Run       string  `json:"run"`
	Release   string  `json:"release"`
	Offset    float64 `json:"offset_seconds"` // of its clock from this machine's
}

// HostLost is a machine that no longer answers.
type HostLost struct {
	Name  string `json:"name"`
	Error string `json:"error"`
}

// HostRecovered is a lost machine that answers again. Ended is what the lost agent had left there, now ended.
type HostRecovered struct {
	Name  string   `json:"name"`
	Ended []string `json:"ended"`
}

// HostRemoved is what a teardown has killed and removed on another machine beside the services.
type HostRemoved struct {
	Name    string   `json:"name"`
	Killed  []string `json:"killed"` // a table of processes
	Removed []string `json:"removed"`
	Others  []string `json:"others"`
}

// HostEnd is the end of the agent on a machine, with a line for each thing that is left there.
type HostEnd struct {
	Name string   `json:"name"`
	Left []string `json:"left"`
}

// LogFetched is the log of a service on another machine, which was copied.
type LogFetched struct {
	Service string `json:"service"`
	Host    string `json:"host"`
	Log     string `json:"log"`           // the copy
	Cut     bool   `json:"cut,omitempty"` // its middle was left out
	Error   string `json:"error,omitempty"`
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
	Host     string       `json:"host,omitempty"` // of the plan; "" = this machine
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

	Artifacts string `json:"artifacts"` // artifacts_N
	Attempt   string `json:"attempt"`   // its directory, below that of the run
	SHA256    string `json:"sha256"`    // of the published sidecar and export

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
	Dirty    bool `json:"dirty"`              // something was left
	Finished bool `json:"finished,omitempty"` // every cell of the campaign was measured
}

// Crashed ends the journal of a killed run. A later process writes it.
type Crashed struct{ Recovered }

// Cleaned is the event of a later process that cleaned up after a run that had ended.
type Cleaned struct{ Recovered }

// Recovered lists what a later process killed and removed.
type Recovered struct {
	Killed []string `json:"killed,omitempty"` // a table of processes
	Shm    []string `json:"shm,omitempty"`    // paths
	Torn   int      `json:"torn,omitempty"`   // bytes of a half-written last line, which were cut off
}

// Cluster is a namespace of Kubernetes in which a run has created the Job of its load.
type Cluster struct {
	Context   string `json:"context,omitempty"` // of kubectl; "" = its current one
	Namespace string `json:"namespace,omitempty"`
	Server    string `json:"server"` // its version
	Job       string `json:"job"`
	Pod       string `json:"pod"`
}

// ClusterEnd is the end of that Job.
type ClusterEnd struct {
	Left []string `json:"left,omitempty"` // objects that could not be proved gone
}

// Drift is what had changed since the campaign began when a run continued it with --allow-drift.
type Drift struct {
	Differences []Difference `json:"differences"`
}

// Difference is a fact of a campaign and its value now.
type Difference struct {
	Fact string `json:"fact"`
	Was  string `json:"was"`
	Is   string `json:"is"`
}

// LevelsSkipped are concurrencies that are not measured, since two lower ones are outside the SLO.
type LevelsSkipped struct {
	Topology    string `json:"topology"`
	Round       int    `json:"round"`
	Concurrency []int  `json:"concurrency"`
	SLO         string `json:"slo"`
}
