package plan

import (
	"fmt"
	"strings"
)

// rules say how the programs of a launch take what they are told. They follow
// from the versions alone.
type rules struct {
	roles       roleFlags
	connector   bool // there is no default KV connector: it must be given, to prefill and to decode
	files       bool // discovery by files and a request plane over TCP; else etcd and NATS are needed
	nixlPorts   bool // the side channels are ours to allocate
	statusOn    bool // DYN_SYSTEM_ENABLED is wanted beside DYN_SYSTEM_PORT
	mockerRoles bool // the mocker knows prefill and decode
	mockerNATS  bool // the mocker connects to NATS whatever the event plane
	mockerName  bool // the mocker's model may be named other than its path
	logsOff     bool // vllm serve logs every request unless told --disable-log-requests
	manyURLs    bool // aiperf takes several --url and goes round them
	quietLoad   bool // aiperf has --no-gpu-telemetry and --no-server-metrics
	batchedLoad bool // aiperf writes its records a hundred at a time (0.9), not every second (0.13)
}

// roleFlags is how a Dynamo worker is told its role.
type roleFlags int

const (
	roleByPrefill roleFlags = iota // --is-prefill-worker; decode has no flag and looks like aggregated
	roleByTwo                      // --is-prefill-worker, --is-decode-worker
	roleByMode                     // --disaggregation-mode prefill|decode
)

// rulesFor is the version table. Sources: the argument parsers of Dynamo 0.4 to
// 1.6, vLLM's changes 21739 and 29402 (--disable-log-requests), aiperf's --help, its change 606 and guide of 0.7 (--url).
func rulesFor(v Versions) rules {
	r := rules{
		roles:       roleByMode,
		connector:   !v.Dynamo.below("1.0"),
		files:       !v.Dynamo.below("1.0"),
		nixlPorts:   !v.Dynamo.below("0.6"),
		statusOn:    v.Dynamo.below("0.8"),
		mockerRoles: !v.Dynamo.below("0.6"),
		mockerNATS:  v.Dynamo.below("1.1"),
		mockerName:  v.Dynamo.below("0.6") || !v.Dynamo.below("1.3"), // 0.9 and 1.0: the frontend tries to download a name that is not the path
		logsOff:     v.VLLM.below("0.10.1"),
		manyURLs:    !v.AIPerf.below("0.7"),
		quietLoad:   !v.AIPerf.below("0.9"),
		batchedLoad: v.AIPerf.below("0.13"),
	}
	switch {
	case v.Dynamo.below("0.6"):
		r.roles = roleByPrefill
	case v.Dynamo.below("1.0"):
		r.roles = roleByTwo
	}
	return r
}

// known is the span of versions that the table was made from.
var known = []struct {
	program        string
	version        func(Versions) Version
	oldest, newest Version
}{
	{"Dynamo", func(v Versions) Version { return v.Dynamo }, "0.4", "1.6.1"},
	{"vLLM", func(v Versions) Version { return v.VLLM }, "0.10", "0.33"},
	{"aiperf", func(v Versions) Version { return v.AIPerf }, "0.1", "0.13"},
}

// Outside names versions that the table was not made from, and what is done.
func (v Versions) Outside() []string {
	var said []string
	for _, k := range known {
		switch is := k.version(v); {
		case is.below(k.oldest):
			said = append(said, fmt.Sprintf("%s %s is older than %s, the oldest known: its rules are taken", k.program, is, k.oldest))
		case is != "" && !strings.HasPrefix(string(is), string(k.newest)) && k.newest.below(is):
			said = append(said, fmt.Sprintf("%s %s is newer than %s, the newest known: its rules are taken", k.program, is, k.newest))
		}
	}
	return said
}

// roleArgs tells a Dynamo worker its role.
func (r rules) roleArgs(role Role) []string {
	switch {
	case role == Aggregated:
		return nil
	case r.roles == roleByMode:
		return []string{"--disaggregation-mode", string(role)}
	case r.roles == roleByTwo || role == Prefill:
		return []string{"--is-" + string(role) + "-worker"}
	}
	return nil
}
