package plan

import (
	"cmp"
	"strconv"
	"strings"
)

// Version is the number of an installed program, such as "1.6.1" or
// "0.31.0+cpu". Empty is unknown: the newest rule is taken then, and said.
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

// with puts what a profile says over what was found.
func (v Versions) with(said map[string]string) Versions {
	return Versions{
		Dynamo: cmp.Or(Version(said["dynamo"]), v.Dynamo),
		VLLM:   cmp.Or(Version(said["vllm"]), v.VLLM),
		AIPerf: cmp.Or(Version(said["aiperf"]), v.AIPerf),
		Nginx:  cmp.Or(Version(said["nginx"]), v.Nginx),
		Etcd:   cmp.Or(Version(said["etcd"]), v.Etcd),
		NATS:   cmp.Or(Version(said["nats"]), v.NATS),
	}
}

// Unknown names the programs of an engine whose rules had to be guessed.
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

// QuietLoad reports whether aiperf can leave out GPU telemetry and server metrics.
func (v Versions) QuietLoad() bool { return rulesFor(v).quietLoad }

// BatchedLoad reports whether aiperf keeps finished requests back until it has a
// hundred of them.
func (v Versions) BatchedLoad() bool { return rulesFor(v).batchedLoad }

// below compares the leading numbers; what follows them (rc1, +cpu) does not
// count, and what is missing is 0. An unknown version is below nothing.
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
