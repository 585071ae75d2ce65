package verdict

// CheckName names a rule in sidecars, the journal and reports.
type CheckName string

// Every name of a check. The first ones say that the launch cannot measure another cell.
const (
	WorkerDied CheckName = "worker-died"
	Stalled    CheckName = "stalled"
	Workers    CheckName = "workers"
	Ejected    CheckName = "ejected"

	Tunnel     CheckName = "tunnel"
	Suspended  CheckName = "stopped"
	Restarted  CheckName = "restarted"
	Flap       CheckName = "flap"
	GPUUsers   CheckName = "gpu-users"
	GPUClocks  CheckName = "gpu-clocks"
	ClientCPU  CheckName = "cpu"
	Kernel     CheckName = "kernel"
	Cluster    CheckName = "cluster-events"
	Nginx      CheckName = "nginx"
	Relaunched CheckName = "relaunched"
	Drift      CheckName = "drift"
	Spread     CheckName = "spread"
	Transfers  CheckName = "kv-transfers"

	Run         CheckName = "run"
	Result      CheckName = "result"
	Concurrency CheckName = "concurrency"
	Flight      CheckName = "in-flight"
	Requests    CheckName = "requests"
	Errors      CheckName = "errors"
	Cancelled   CheckName = "cancelled"
	OutputLen   CheckName = "output length"
	InterToken  CheckName = "inter-token latency"
	SteadyState CheckName = "steady-state"
	Lockstep    CheckName = "lockstep"
	Numbers     CheckName = "numbers"

	Sidecar CheckName = "topobench.json" // the sidecar of a cell could not be read
)
