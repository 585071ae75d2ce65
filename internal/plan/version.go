package plan

import (
	"cmp"
	"fmt"
	"slices"
)

// Version is the number of an installed program, such as "1.6.1" or "0.31.0+cpu". An
// empty one is unknown: the newest rules apply then, with a warning.
type Version string

// Versions are those of the programs that a plan is for.
type Versions struct {
	Dynamo Version `json:"dynamo,omitempty"`
	VLLM   Version `json:"vllm,omitempty"`
	AIPerf Version `json:"aiperf,omitempty"`
	Nginx  Version `json:"nginx,omitempty"`
	Etcd   Version `json:"etcd,omitempty"`
	NATS   Version `json:"nats,omitempty"`
}

// with puts the versions of a profile over those that are installed.
func (v Versions) with(named map[string]string) Versions {
	return Versions{
		Dynamo: cmp.Or(Version(named["dynamo"]), v.Dynamo),
		VLLM:   cmp.Or(Version(named["vllm"]), v.VLLM),
		AIPerf: cmp.Or(Version(named["aiperf"]), v.AIPerf),
		Nginx:  cmp.Or(Version(named["nginx"]), v.Nginx),
		Etcd:   cmp.Or(Version(named["etcd"]), v.Etcd),
		NATS:   cmp.Or(Version(named["nats"]), v.NATS),
	}
}

// Unknown names the programs of an engine whose version, and so rules, are unknown.
func (v Versions) Unknown(engine string) []string {
	var unknown []string
	if v.Dynamo == "" && (engine == "dynamo" || engine == "mocker") {
		unknown = append(unknown, "Dynamo")
	}
	if v.VLLM == "" && (engine == "dynamo" || engine == "vllm") {
		unknown = append(unknown, "vLLM")
	}
	if v.AIPerf == "" {
		unknown = append(unknown, "aiperf")
	}
	return unknown
}

// below compares the leading numbers. A suffix (rc1, +cpu) does not count, a missing number
// is 0, and an unknown version is below none.
func (v Version) below(limit Version) bool {
	return v != "" && slices.Compare(v.numbers(), limit.numbers()) < 0
}

// numbers are major, minor and patch.
func (v Version) numbers() []int {
	var n [3]int
	_, _ = fmt.Sscanf(string(v), "%d.%d.%d", &n[0], &n[1], &n[2]) // it ends at the first text that is no number
	return n[:]
}
