package plan

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"topobench/internal/aiperf"
	"topobench/internal/profile"
	"topobench/profiles"
)

// The table is closed: a new difference from the guide needs a row here.
func TestDeviationsOfTheBuiltIns(t *testing.T) {
	for name, want := range map[string]string{
		"disagg-1node": "loopback private-services bookkeeping planes no-drain decode-tp roles nixl-ports load-env artifact-dir smoke",
		"agg-1node":    "loopback bookkeeping nginx-paths log-requests load-env artifact-dir smoke",
		"demo-disagg":  "mocker loopback file-discovery zmq-events bookkeeping planes no-drain local-model load-env artifact-dir quiet-load smoke",
		"demo-agg":     "mocker loopback file-discovery zmq-events bookkeeping planes no-drain nginx-paths local-model load-env artifact-dir quiet-load smoke",
		"disagg-2node": "bind-address request-ports no-proxy named-gpus private-services bookkeeping planes no-drain decode-tp roles nixl-ports load-env artifact-dir smoke",
		"agg-2node":    "bind-address no-proxy named-gpus bookkeeping nginx-paths log-requests load-env artifact-dir smoke",

		"agg-dynamo-1node":      "loopback private-services bookkeeping planes no-drain load-env artifact-dir smoke",
		"llama70b-disagg-1node": "loopback private-services bookkeeping planes no-drain decode-tp roles nixl-ports load-env artifact-dir quiet-load smoke",

		"demo-agg-dynamo": "mocker loopback file-discovery zmq-events bookkeeping planes no-drain local-model load-env artifact-dir quiet-load smoke",
		"demo-agg-urls":   "mocker loopback file-discovery zmq-events bookkeeping planes no-drain spread local-model load-env artifact-dir quiet-load smoke",
	} {
		var ids []string
		for _, d := range builtInPlan(t, name).Deviations {
			ids = append(ids, d.ID)
		}
		if diff := cmp.Diff(strings.Fields(want), ids); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// What the user, or the profile, asks for beside the guide is a difference too.
func TestDeviationsOfWishes(t *testing.T) {
	const text = "{name: a, kind: k, engine: dynamo, model: m, discovery: {etcd: %s, nats: %s}, frontend: {}, aggregated: [{cuda_visible_devices: [0]}]}"
	for _, row := range []struct {
		why, etcd, nats string
		load            aiperf.Options
		want            string
	}{
		{"the guide's seed", "start", "start", guide(), "private-services"},
		{"--seed 7", "start", "start", aiperf.Options{Seed: 7}, "private-services seed"},
		{"--fresh-prompts", "start", "start", aiperf.Options{Seed: aiperf.GuideSeed, FreshPrompts: true}, "private-services fresh-prompts"},
		{"NATS alone", "none", "start", guide(), "private-services file-discovery"},
		{"etcd alone", "start", "none", guide(), "private-services zmq-events"},
		{"somebody else's", "'http://192.0.2.1:2379'", "'nats://192.0.2.1'", guide(), "external-services"},
	} {
		p, err := made(read(t, "p.yaml", fmt.Sprintf(text, row.etcd, row.nats)), installed(), row.load)
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, d := range p.Deviations {
			if !slices.Contains(strings.Fields("loopback bookkeeping planes no-drain load-env artifact-dir quiet-load smoke"), d.ID) {
				ids = append(ids, d.ID)
			}
		}
		if diff := cmp.Diff(strings.Fields(row.want), ids); diff != "" {
			t.Errorf("%s (-want +got):\n%s", row.why, diff)
		}
	}
}

func TestLoadArgsAreADeviationAndRecorded(t *testing.T) {
	const text = "{name: a, kind: k, engine: vllm, model: m, aggregated: [{cuda_visible_devices: [0]}], load: {args: [%s]}}"
	for _, args := range []string{"", "--request-rate, '5'"} {
		p := planned(t, read(t, "p.yaml", fmt.Sprintf(text, args)))
		want := strings.Fields(strings.NewReplacer(",", "", "'", "").Replace(args))
		argv := p.Load.Argv(2, "/cell")
		if got := argv[len(argv)-len(want):]; !slices.Equal(got, want) || !slices.Equal(p.Deployment.Load.Args, want) {
			t.Errorf("%q: aiperf gets %q, deployment_config.json %q", args, got, p.Deployment.Load.Args)
		}
		if stated := slices.ContainsFunc(p.Deviations, func(d Deviation) bool { return d.ID == "load-args" }); stated != (args != "") {
			t.Errorf("%q: a deviation: %t", args, stated)
		}
	}
}

// The table of refused arguments has every option of aiperf's command.
func TestLoadArgsCannotSetWhatTheCommandSets(t *testing.T) {
	load := aiperf.Load{URLs: []string{"u"}, ISL: 1, OSL: 2, NVExt: true, TrustRemote: true}
	exact, quiet := load, load
	exact.Exact, quiet.Quiet = true, true
	for _, word := range slices.Concat(exact.Argv(1, "d"), quiet.Argv(1, "d")) {
		if !strings.HasPrefix(word, "-") {
			continue
		}
		text := "{name: a, kind: k, engine: vllm, model: m, aggregated: [{cuda_visible_devices: [0]}], load: {args: [" + word + "]}}"
		_, err := profile.Reader{Getenv: func(string) string { return "" }, Cache: "/cache"}.Parse("p.yaml", []byte(text))
		if err == nil || !strings.Contains(err.Error(), "cannot pass "+word) {
			t.Errorf("%s: %v", word, err)
		}
	}
}

func TestNginxOfRootKeepsItsUser(t *testing.T) {
	for _, root := range []bool{true, false} {
		on := installed()
		on.Root = root
		p, err := made(builtIn(t, "demo-agg"), on, guide())
		if err != nil {
			t.Fatal(err)
		}
		told := slices.ContainsFunc(p.Deviations, func(d Deviation) bool { return d.ID == "nginx-user" })
		argv := service(t, p, "nginx").Argv
		if done := strings.HasSuffix(argv[len(argv)-1], " user root;"); done != root || told != root {
			t.Errorf("root is %t: nginx is told so: %t, the table says so: %t", root, done, told)
		}
	}
}

func TestDeviationsAreExplained(t *testing.T) {
	seen := map[string]bool{}
	rows := []Deviation{NVExtDropped("unknown field")}
	for _, row := range table {
		rows = append(rows, row.Deviation)
	}
	for _, d := range rows {
		if d.ID == "" || d.Guide == "" || d.Done == "" || d.Why == "" {
			t.Errorf("%q is not explained: %+v", d.ID, d)
		}
		if seen[d.ID] {
			t.Errorf("two rows are called %s", d.ID)
		}
		seen[d.ID] = true
	}
	if got := NVExtDropped("unknown field").Why; !strings.Contains(got, "unknown field") {
		t.Errorf("the server's answer is not told: %q", got)
	}
}

// The environment is a difference as well: each variable that the profile did not ask for
// stands in a row of the plan's table.
func TestEveryVariableHasARow(t *testing.T) {
	for _, name := range profiles.Names() {
		p := builtInPlan(t, name)
		told := "" // of what is done
		for _, d := range p.Deviations {
			told += d.Done + " "
		}
		words := strings.FieldsFunc(told, func(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) })
		envs := [][]string{p.Load.Env}
		for _, s := range p.Services {
			envs = append(envs, s.Env)
		}
		for _, kv := range slices.Concat(envs...) {
			variable, _, _ := strings.Cut(kv, "=")
			if _, asked := builtIn(t, name).Env[variable]; !asked && variable != "CUDA_VISIBLE_DEVICES" && // the guide's own
				!slices.Contains(words, variable) {
				t.Errorf("%s: no row tells of %s", name, kv)
			}
		}
	}
}
