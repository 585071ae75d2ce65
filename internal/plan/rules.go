package plan

// rules say how the programs of a launch take what they are told. They follow
// from the versions alone; rulesFor is the whole table.
type rules struct {
	roles       roleFlags
	connector   bool // since 1.0 Dynamo has no default KV connector: it must be given
	files       bool // discovery by files and a request plane over TCP; else etcd and NATS are needed
	listenEnv   bool // addresses can be told by the environment
	nixlPorts   bool // until 0.5 Dynamo allocated the side channels itself
	statusOn    bool // DYN_SYSTEM_ENABLED is wanted beside DYN_SYSTEM_PORT
	mockerRoles bool // the mocker knows prefill and decode
	mockerName  bool // the mocker's model may be named other than its path
	quietVLLM   bool // vllm serve logs no requests unless told to; --disable-log-requests is gone
	quietLoad   bool // aiperf has --ui none, --no-gpu-telemetry and --no-server-metrics
}

// roleFlags is how a Dynamo worker is told its role.
type roleFlags int

const (
	roleByMode    roleFlags = iota // --disaggregation-mode prefill|decode
	roleByTwo                      // --is-prefill-worker, --is-decode-worker
	roleByPrefill                  // --is-prefill-worker; decode has no flag and looks like aggregated
)

// Where a rule changed: Dynamo's and vLLM's sources and changelogs, and what was
// run (README, "What was really run").
const (
	dynamoTwoRoles  Version = "0.6"
	dynamoModes     Version = "1.0"
	dynamoStatusOn  Version = "0.8" // DYN_SYSTEM_ENABLED was needed from 0.5 to 0.7
	dynamoFreeName  Version = "1.3" // 0.9 and 1.0: a name other than the path makes the frontend try to download it
	vllmQuiet       Version = "0.10.1"
	aiperfQuiet     Version = "0.4"
	oldestDynamo    Version = "0.4"
	oldestVLLM      Version = "0.10"
	oldestAIPerf    Version = "0.1"
	newestDynamo    Version = "1.6.1"
	newestVLLM      Version = "0.33"
	newestAIPerf    Version = "0.13"
	afterEachNewest         = "the rule of the newest known version is taken"
)
