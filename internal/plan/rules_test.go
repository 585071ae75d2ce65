package plan

import (
	"slices"
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
		row.want.nginxLogFlag = true // the version of nginx is unknown
		if got := rulesFor(row.versions); got != row.want {
			t.Errorf("%s: %+v\n got %+v\nwant %+v", row.why, row.versions, got, row.want)
		}
	}
}

func newest() rules {
	return rules{nginxLogFlag: true, roleFlags: RoleByMode, connector: true, fileDiscovery: true, sidePorts: true, mockerRoles: true, mockerName: true, multiURL: true, quietLoad: true, records: true}
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
		{"1", "1.0.1", true}, {"", "9", false}, {"garbage", "0.1", false}, {"1.6.1.post1", "1.6.1", false},
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

// C19: a build from a source tree without tags has a placeholder for a version.
func TestC19APlaceholderIsNoVersion(t *testing.T) {
	for _, v := range []Version{"0.1.dev17235+gf52870f26", "0.1.dev0", "0.0", "0.0.0", "0.0.0.dev0+g1234567", "0.0+unknown", "dev", "unknown"} {
		all := Versions{VLLM: v, Dynamo: v, AIPerf: v}
		if got := rulesFor(all); got != with(newest(), func(r *rules) { r.records = false }) {
			t.Errorf("%s: %+v are not the newest rules", v, got)
		}
		if got := all.Outside(); len(got) > 0 {
			t.Errorf("%s is a version of the table: %q", v, got)
		}
		want := []string{"vLLM " + string(v) + " is no release", "aiperf " + string(v) + " is no release"}
		if got := all.Unknown("vllm"); !slices.Equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
	for _, v := range []Version{"0.1", "0.1.1", "0.0.1", "0.0.12", "0.12.1.dev3+g1234567", "1.7.0.dev0"} {
		if !v.Release() {
			t.Errorf("%s is no release", v)
		}
	}
}

// C18: -e came with nginx 1.19.5, and an older one refuses it.
func TestC18AnOldNginxHasNoLogFlag(t *testing.T) {
	for version, flag := range map[Version]bool{"1.14.0": false, "1.18.0": false, "1.19.5": true, "1.25.3.1": true, "": true} {
		on := installed()
		on.Versions.Nginx = version
		p, err := made(read(t, "/p/p.yaml", `{name: a, kind: k, engine: vllm, model: m, load: {isl: 10, osl: 10}, balancer: {port: 8000},
  aggregated: [{cuda_visible_devices: [0], port: 8001}]}`), on, guide())
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range p.Services {
			if s.Role != Balancer {
				continue
			}
			for _, argv := range [][]string{s.Argv, s.Check} {
				text := strings.Join(argv, " ")
				if strings.Contains(text, " -e stderr") != flag || strings.Contains(text, "error_log stderr; daemon off;") == flag {
					t.Errorf("nginx %s: %s", version, text)
				}
			}
		}
	}
}

// etcd 3.4 of Debian 12 and 3.3 of Ubuntu 22.04 run on other processors only with this variable.
func TestEtcdStartsOnOtherProcessors(t *testing.T) {
	for arch, want := range map[string]string{"amd64": "", "": "", "arm64": "arm64"} {
		on := installed()
		on.Arch = arch
		p, err := made(builtIn(t, "disagg-1node"), on, guide())
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range p.Services {
			if got := value(s, "ETCD_UNSUPPORTED_ARCH"); got != map[bool]string{true: want}[s.Role == Etcd] {
				t.Errorf("%s on %q: %q, want %q for etcd", s.Name, arch, got, want)
			}
		}
	}
}

// Kernels that one launch compiles are there for the next, unless the caller or the profile names the place.
func TestCompiledKernelsAreKept(t *testing.T) {
	profile := `{name: a, kind: k, engine: vllm, model: m, load: {isl: 10, osl: 10}, env: {TRITON_CACHE_DIR: /own},
  aggregated: [{cuda_visible_devices: [0], port: 8001}]}`
	for _, row := range []struct {
		why     string
		kernels string
		inherit []string
		want    string // TORCHINDUCTOR_CACHE_DIR
	}{
		{"a place for all launches", "/cache/kernels", nil, "/cache/kernels/inductor"},
		{"the caller's", "/cache/kernels", []string{"TORCHINDUCTOR_CACHE_DIR"}, ""},
		{"no place", "", nil, ""},
	} {
		on := installed()
		on.Kernels, on.Inherit = row.kernels, row.inherit
		p, err := made(read(t, "/p/p.yaml", profile), on, guide())
		if err != nil {
			t.Fatal(err)
		}
		worker := service(t, p, "aggregated-0")
		if got := value(worker, "TORCHINDUCTOR_CACHE_DIR"); got != row.want {
			t.Errorf("%s: %q, want %q", row.why, got, row.want)
		}
		if got := value(worker, "TRITON_CACHE_DIR"); got != "/own" {
			t.Errorf("%s: the profile's /own is %q", row.why, got)
		}
	}
}

// C16: aiperf needs leave of its own to run the Python of a tokenizer.
func TestC16TrustInAModelReachesAIPerf(t *testing.T) {
	for args, want := range map[string]bool{"--trust-remote-code": true, "--trust_remote_code": true, "--max-num-seqs=4": false, "--no-trust-remote-code": false} {
		p := textPlan(t, `{name: a, kind: k, engine: vllm, model: m, load: {isl: 10, osl: 10}, engine_args: ["`+args+`"],
  aggregated: [{cuda_visible_devices: [0], port: 8001}]}`)
		if got := slices.Contains(p.Load.Argv(1, "/d"), "--tokenizer-trust-remote-code"); got != want {
			t.Errorf("%s: %t", args, got)
		}
		named := slices.ContainsFunc(p.Deviations, func(d Deviation) bool { return d.ID == "trust-remote-code" })
		if named != want {
			t.Errorf("%s: the deviation is named: %t", args, named)
		}
	}
}
