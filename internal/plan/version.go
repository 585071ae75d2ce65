package plan

import (
	"cmp"
	"strconv"
	"strings"
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
	if v == "" {
		return false
	}
	a, b := v.numbers(), limit.numbers()
	for i := range a {
		if a[i] != b[i] {
			return a[i] < b[i]
		}
	}
	return false
}

// numbers are major, minor and patch.
func (v Version) numbers() (n [3]int) {
	parts := strings.SplitN(string(v), ".", 4)
	for i := range min(len(parts), len(n)) {
		digits := parts[i][:len(parts[i])-len(strings.TrimLeft(parts[i], "0123456789"))]
		number, err := strconv.Atoi(digits)
		if err != nil {
			break
		}
		n[i] = number
		if digits != parts[i] {
			break
		}
	}
	return n
}
