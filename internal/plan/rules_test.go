package plan

import (
	"strings"
	"testing"
)

// One row a version that was released, or read.
func TestRulesOfEachVersion(t *testing.T) {
	old := rules{roleFlags: RoleByPrefill, needsSystemEnabled: true, batchedLoad: true, mockerNATS: true, mockerName: true}
	for _, row := range []struct {
		why      string
		versions Versions
		want     rules
	}{
		{"the guide's time", Versions{Dynamo: "0.5", VLLM: "0.10", AIPerf: "0.1.1"}, with(old, func(r *rules) { r.logsByDefault = true })},
		{"0.4 is like 0.5", Versions{Dynamo: "0.4.1", VLLM: "0.10.1", AIPerf: "0.3.0"}, with(old, func(r *rules) { r.records = true })},
		{"0.6: decode has a flag, side channels collide", Versions{Dynamo: "0.6.0", VLLM: "0.11", AIPerf: "0.8.0"},
			rules{roleFlags: RoleByTwo, needsSystemEnabled: true, sidePorts: true, mockerRoles: true, mockerNATS: true, multiURL: true, batchedLoad: true, records: true}},
		{"0.9: the status server needs no switch", Versions{Dynamo: "0.9.1", VLLM: "0.14", AIPerf: "0.9.0"},
			rules{roleFlags: RoleByTwo, sidePorts: true, mockerRoles: true, mockerNATS: true, multiURL: true, quietLoad: true, batchedLoad: true, records: true}},
		{"1.0: modes, files, an explicit connector", Versions{Dynamo: "1.0.2", VLLM: "0.18", AIPerf: "0.10.0"},
			rules{roleFlags: RoleByMode, connector: true, fileDiscovery: true, sidePorts: true, mockerRoles: true, mockerNATS: true, multiURL: true, quietLoad: true, batchedLoad: true, records: true}},
		{"1.6: a name of its own", Versions{Dynamo: "1.6.1", VLLM: "0.31.0+cpu", AIPerf: "0.13.0"}, newest()},
		{"unknown is taken for the newest, but for the record file", Versions{}, with(newest(), func(r *rules) { r.records = false })},
		{"what comes after is taken for the newest", Versions{Dynamo: "2.0", VLLM: "1.0", AIPerf: "1.0"}, newest()},
	} {
		if got := rulesFor(row.versions); got != row.want {
			t.Errorf("%s: %+v\n got %+v\nwant %+v", row.why, row.versions, got, row.want)
		}
	}
}

func newest() rules {
	return rules{roleFlags: RoleByMode, connector: true, fileDiscovery: true, sidePorts: true, mockerRoles: true, mockerName: true, multiURL: true, quietLoad: true, records: true}
}

func with(r rules, change func(*rules)) rules {
	change(&r)
	return r
}

func TestVersionsCompareByTheirNumbers(t *testing.T) {
	for _, row := range []struct {
		a, b  Version
		below bool
	}{
		{"0.9.1", "0.10", true}, {"0.10.1", "0.10.1", false}, {"0.10.1rc1", "0.10.1", false}, {"0.31.0+cpu", "0.31.1", true},
		{"1", "1.0.1", true}, {"", "9", false}, {"garbage", "0.1", true}, {"1.6.1.post1", "1.6.1", false},
	} {
		if got := row.a.below(row.b); got != row.below {
			t.Errorf("%q below %q is %t", row.a, row.b, got)
		}
	}
}

func TestOutsideNamesWhatTheTableDoesNotKnow(t *testing.T) {
	for _, row := range []struct {
		v    Versions
		want string // part of the one line, "" for none
	}{
		{Versions{Dynamo: "1.6.1", VLLM: "0.33.0", AIPerf: "0.13.0"}, ""},
		{Versions{}, ""},
		{Versions{Dynamo: "0.3"}, "Dynamo 0.3 is older than 0.4"},
		{Versions{VLLM: "0.34.1"}, "vLLM 0.34.1 is newer than 0.33"},
		{Versions{AIPerf: "0.14"}, "aiperf 0.14 is newer than 0.13"},
	} {
		got := strings.Join(row.v.Outside(), "\n")
		if (row.want == "") != (got == "") || !strings.Contains(got, row.want) {
			t.Errorf("%+v: %q, want %q", row.v, got, row.want)
		}
	}
}

func TestUnplannableSaysWhatTheVersionLacks(t *testing.T) {
	for _, row := range []struct {
		profile string
		v       Version
		want    []string // none: it can be planned
	}{
		{"demo-disagg", "1.6.1", nil},
		{"demo-disagg", "0.5.1", []string{"without etcd", "without nats", "no prefill and decode"}},
		{"demo-agg", "1.0.2", []string{"without nats", "under its path"}},
		{"disagg-1node", "0.5", nil},
	} {
		on := installed()
		on.Versions.Dynamo = row.v
		_, err := made(builtIn(t, row.profile), on, guide())
		if (err == nil) != (row.want == nil) {
			t.Errorf("%s on %s: %v", row.profile, row.v, err)
		}
		for _, part := range row.want {
			if err != nil && !strings.Contains(err.Error(), part) {
				t.Errorf("%s on %s: %v lacks %q", row.profile, row.v, err, part)
			}
		}
	}
}
