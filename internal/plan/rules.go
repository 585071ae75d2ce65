package plan

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// rules are how the programs of a launch take what they need, by their versions.
type rules struct {
	roleFlags          RoleFlags
	connector          bool // there is no default KV connector: prefill and decode must be given one
	fileDiscovery      bool // discovery by files and a request plane over TCP; else etcd and NATS are required
	sidePorts          bool // the ports of workers' side channels are ours to choose
	needsSystemEnabled bool // DYN_SYSTEM_PORT requires DYN_SYSTEM_ENABLED
	mockerRoles        bool // the mocker has prefill and decode
	mockerNATS         bool // the mocker connects to NATS whatever the event plane
	mockerName         bool // the mocker's model may have another name than its path
	logsByDefault      bool // vllm serve logs every request without --disable-log-requests
	multiURL           bool // aiperf takes several --url and sends to each in turn
	quietLoad          bool // aiperf has --no-gpu-telemetry and --no-server-metrics
	records            bool // aiperf surely writes a record file while it runs (0.1.1 does not)
	batchedLoad        bool // aiperf writes its records a hundred at a time (0.9), not every second (0.13)
	nginxLogFlag       bool // nginx takes the place of its first log by -e
}

// RoleFlags is how a Dynamo worker gets its role.
type RoleFlags string

// The flags that Dynamo has had for roles.
const (
	RoleByPrefill RoleFlags = "prefill" // --is-prefill-worker; decode has no flag and looks like aggregated
	RoleByTwo     RoleFlags = "two"     // --is-prefill-worker, --is-decode-worker
	RoleByMode    RoleFlags = "mode"    // --disaggregation-mode prefill|decode
)

// args are the flags of one role.
func (f RoleFlags) args(role Role) []string {
	switch {
	case role == Aggregated:
		return nil
	case f == RoleByMode:
		return []string{"--disaggregation-mode", string(role)}
	case f == RoleByTwo || role == Prefill:
		return []string{"--is-" + string(role) + "-worker"}
	}
	return nil
}

// rulesFor is the version table. Sources: the argument parsers of Dynamo 0.4 to 1.6, vLLM's changes 21739 and 29402
// (--disable-log-requests), aiperf's --help, its change 606 and the guide of 0.7 (--url), nginx's list of changes (-e).
func rulesFor(v Versions) rules {
	r := rules{
		roleFlags:          RoleByMode,
		connector:          !v.Dynamo.below("1.0"),
		fileDiscovery:      !v.Dynamo.below("1.0"),
		sidePorts:          !v.Dynamo.below("0.6"),
		needsSystemEnabled: v.Dynamo.below("0.8"),
		mockerRoles:        !v.Dynamo.below("0.6"),
		mockerNATS:         v.Dynamo.below("1.1"),
		// In 0.9 and 1.0 the frontend tries to download a name that is not the path.
		mockerName:    v.Dynamo.below("0.6") || !v.Dynamo.below("1.3"),
		logsByDefault: v.VLLM.below("0.10.1"),
		multiURL:      !v.AIPerf.below("0.7"),
		quietLoad:     !v.AIPerf.below("0.9"),
		records:       v.AIPerf.Release() && !v.AIPerf.below("0.2"), // an unknown aiperf may be an old one
		batchedLoad:   v.AIPerf.below("0.13"),
		nginxLogFlag:  !v.Nginx.below("1.19.5"),
	}
	switch {
	case v.Dynamo.below("0.6"):
		r.roleFlags = RoleByPrefill
	case v.Dynamo.below("1.0"):
		r.roleFlags = RoleByTwo
	}
	return r
}

// known is the span of versions that the table was made from.
var known = []struct {
	program        string
	version        func(Versions) Version
	oldest, newest Version
	engines        string // that use the program; "" = all
}{
	{"Dynamo", func(v Versions) Version { return v.Dynamo }, "0.4", "1.6.1", "dynamo mocker"},
	{"vLLM", func(v Versions) Version { return v.VLLM }, "0.10", "0.33", "dynamo vllm"},
	{"aiperf", func(v Versions) Version { return v.AIPerf }, "0.1", "0.13", ""},
}

// Outside names versions beyond the table, with the rules that they get.
func (v Versions) Outside() []string {
	var lines []string
	for _, k := range known {
		switch is := k.version(v); {
		case is.below(k.oldest):
			lines = append(lines, fmt.Sprintf("%s %s is older than %s, the oldest known: the rules of %[3]s apply",
				k.program, is, k.oldest))
		case is.Release() && !strings.HasPrefix(string(is), string(k.newest)) && k.newest.below(is):
			lines = append(lines, fmt.Sprintf("%s %s is newer than %s, the newest known: the rules of %[3]s apply",
				k.program, is, k.newest))
		}
	}
	return lines
}

// Version is the number of an installed program, such as "1.6.1" or "0.31.0+cpu". An empty one and one that is no
// release are unknown: the newest rules apply then, with a warning.
type Version string

// noRelease matches the placeholders that builds from a source tree without tags have: 0.0, 0.0.0+g1234567,
// 0.1.dev17235+g1234567, dev, unknown.
var noRelease = regexp.MustCompile(`^(?:0\.0(?:\.0)?(?:[^.\d].*|\.?dev.*)?|0\.1\.dev.*|[^\d].*)?$`) // constant

// Release reports whether the number places the version among others.
func (v Version) Release() bool { return !noRelease.MatchString(string(v)) }

// Versions are those of the programs that a plan is for.
type Versions struct {
	Dynamo Version `json:"dynamo,omitempty"`
	VLLM   Version `json:"vllm,omitempty"`
	AIPerf Version `json:"aiperf,omitempty"`
	Nginx  Version `json:"nginx,omitempty"`
	Etcd   Version `json:"etcd,omitempty"`
	NATS   Version `json:"nats,omitempty"`
}

// byName are the known versions by the name of the program.
func (v Versions) byName() map[string]string {
	all := map[string]string{}
	for name, version := range map[string]Version{"Dynamo": v.Dynamo, "vLLM": v.VLLM, "aiperf": v.AIPerf,
		"nginx": v.Nginx, "etcd": v.Etcd, "NATS": v.NATS} {
		if version != "" {
			all[name] = string(version)
		}
	}
	return all
}

// with puts the versions of a profile over those that are installed.
func (v Versions) with(named map[string]string) Versions {
	return Versions{Dynamo: Version(named["dynamo"]), VLLM: Version(named["vllm"]), AIPerf: Version(named["aiperf"]),
		Nginx: Version(named["nginx"]), Etcd: Version(named["etcd"]), NATS: Version(named["nats"])}.or(v)
}

// or has the versions of another for those that are unknown.
func (v Versions) or(other Versions) Versions {
	return Versions{Dynamo: cmp.Or(v.Dynamo, other.Dynamo), VLLM: cmp.Or(v.VLLM, other.VLLM),
		AIPerf: cmp.Or(v.AIPerf, other.AIPerf), Nginx: cmp.Or(v.Nginx, other.Nginx),
		Etcd: cmp.Or(v.Etcd, other.Etcd), NATS: cmp.Or(v.NATS, other.NATS)}
}

// Unknown names the programs of an engine whose version, and so rules, are unknown.
func (v Versions) Unknown(engine string) []string {
	var unknown []string
	for _, k := range known {
		is, used := k.version(v), k.engines == "" || slices.Contains(strings.Fields(k.engines), engine)
		switch {
		case !used || is.Release():
		case is == "":
			unknown = append(unknown, k.program)
		default:
			unknown = append(unknown, fmt.Sprintf("%s %s is no release", k.program, is))
		}
	}
	return unknown
}

// below compares the leading numbers. A suffix (rc1, +cpu) does not count, a missing number
// is 0, and an unknown version is below none.
func (v Version) below(limit Version) bool {
	return v.Release() && slices.Compare(v.numbers(), limit.numbers()) < 0
}

// numbers are major, minor and patch.
func (v Version) numbers() []int {
	var n [3]int
	_, _ = fmt.Sscanf(string(v), "%d.%d.%d", &n[0], &n[1], &n[2]) // it ends at the first text that is no number
	return n[:]
}
