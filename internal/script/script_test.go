package script

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"topobench/internal/aiperf"
	"topobench/internal/plan"
	"topobench/profiles"
)

func isBash(t *testing.T, text string) {
	t.Helper()
	check := exec.Command("bash", "-n")
	check.Stdin = strings.NewReader(text)
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s\n%s", err, out, text)
	}
}

func TestScriptsAreBash(t *testing.T) {
	for _, name := range profiles.Names() {
		isBash(t, printed(t, here(), builtInPlan(t, name)))
	}
	isBash(t, printed(t, here(), builtInPlan(t, "demo-agg"), builtInPlan(t, "disagg-2node")))
}

func TestGoldens(t *testing.T) {
	for _, name := range profiles.Names() {
		golden(t, name+".sh", printed(t, Places{Root: "artifacts_root", State: "artifacts_root/.topobench/by-hand", Temp: "/tmp"}, builtInPlan(t, name)))
	}
}

// A line is at most 100 characters long, unless a single word is.
func TestScriptIsNarrow(t *testing.T) {
	for _, name := range profiles.Names() {
		for line := range strings.Lines(printed(t, here(), builtInPlan(t, name))) {
			line = strings.TrimSuffix(line, "\n")
			if len(line) > 100 && strings.Contains(strings.TrimSuffix(strings.TrimSpace(line), " \\"), " ") && !strings.Contains(line, `{"`) && !strings.Contains(line, `{\\"`) {
				t.Errorf("%s: %d characters: %s", name, len(line), line)
			}
		}
	}
}

// Inherited variables are named in a script, and their values are not.
func TestNoInheritedValueIsPrinted(t *testing.T) {
	for _, name := range profiles.Names() {
		p := builtIn(t, name)
		p.Env = map[string]string{"HF_TOKEN": "${ENV:SECRET}"}
		launch := planned(t, p)
		launch.Inherit = plan.Inherit([]string{"PATH=sentinel-0", "HF_TOKEN=sentinel-1", "SECRET=sentinel-2"})
		text := printed(t, here(), launch)
		if strings.Contains(text, "sentinel-") {
			t.Errorf("the script of %s holds a value of the caller's", name)
		}
		if !strings.Contains(text, "SECRET") {
			t.Errorf("the script of %s does not name the variable that the profile refers to", name)
		}
	}
}

// A process of a script receives what one of a run would: the two read one table.
func TestScriptDropsWhatARunDrops(t *testing.T) {
	caller := []string{"PATH=" + os.Getenv("PATH"), "KEPT=a b", "DYN_X=1", "SLURM_JOB_ID=1", "MY_TOKEN=1", "HF_TOKEN=1", "NCCL_X_TOKEN=1",
		"AIPERF_X=1", "AWS_X=1", "VLLM_PORT=1", "MY_DYN_X=1", "LD_PRELOAD=", "PYTHONPATH=/theirs", "VLLM_API_KEY=1"}
	on := plan.Installation{Cache: "/cache", Programs: plan.Programs{Python: "/cache/python", AIPerf: "/venv/aiperf"}}
	p, err := plan.Make(builtIn(t, "demo-disagg"), on, guide())
	if err != nil {
		t.Fatal(err)
	}
	text := printed(t, here(), p)
	began, ends := strings.Index(text, "dropped=("), strings.Index(text, "main() {")
	helpers, common := strings.Index(text, "# matches NAME"), strings.Index(text, "# wait_for NAME")
	show := func(command string) map[string]string {
		bash := exec.Command("bash", "-c", "set -euo pipefail\ndir=. pids=() common=(X=1)\nmkdir logs\n"+text[began:ends]+text[helpers:common]+command)
		bash.Env, bash.Dir = caller, t.TempDir()
		out, err := bash.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		all := effective(strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00"))
		for _, name := range []string{"_", "PWD", "SHLVL", "OLDPWD", "X"} { // bash sets them
			delete(all, name)
		}
		return all
	}
	services, _ := plan.Environ(caller, plan.ProgramEnv("/cache/python", "/cache", nil))
	load, _ := plan.LoadEnviron(caller, nil)
	if diff := cmp.Diff(effective(services), show("start a -u PYTHONPATH \"PATH=/cache:${PATH:?}\" /usr/bin/env -0; wait; cat logs/a.log")); diff != "" {
		t.Errorf("a service (-run +script):\n%s", diff)
	}
	if diff := cmp.Diff(effective(load), show(`env "${drop[@]}" "${common[@]}" env -0`)); diff != "" {
		t.Errorf("aiperf (-run +script):\n%s", diff)
	}
	for _, part := range []string{"start frontend -u PYTHONPATH -u PYTHONHOME -u PYTHONSTARTUP -u VIRTUAL_ENV", `PATH=/cache:"${PATH:?}"`, `PATH=/venv:"${PATH:?}"`} {
		if !strings.Contains(text, part) {
			t.Errorf("the script lacks %s", part)
		}
	}
}

func TestScriptIsPure(t *testing.T) {
	for _, name := range profiles.Names() {
		p := builtIn(t, name)
		p.Env = map[string]string{"A": "1", "B": "2", "C": "3", "D": "4"}
		first := printed(t, here(), planned(t, p))
		for range 20 {
			if diff := cmp.Diff(first, printed(t, here(), planned(t, p))); diff != "" {
				t.Fatalf("%s: two scripts of one profile differ:\n%s", name, diff)
			}
		}
	}
}

// A plan over hosts has no loopback address anywhere in its script.
func TestNothingIsOnLoopbackOverHosts(t *testing.T) {
	for _, name := range []string{"disagg-2node", "agg-2node", "demo-disagg-2node", "demo-agg-2node"} {
		if text := printed(t, here(), builtInPlan(t, name)); strings.Contains(text, "http://127.0.0.1") || strings.Contains(text, "localhost") || strings.Contains(text, "=127.0.0.1") {
			t.Errorf("%s names this machine's own address", name)
		}
	}
}

// stub makes a script print the words of what it would start and wait for.
const stub = `set -eu
show() { printf '%s\0' "$@" END-OF-CALL; }
start() { local name=$1; shift; show start "$name" "${common[@]}" "$@"; }
wait_for() { show wait_for "$@"; }
mkdir() { :; }
root=/r/root call=1234
`

// parts prints a part of a plan's script, with the settings that it needs.
func parts(t *testing.T, p plan.Plan, part func(*script, plan.Plan, shared)) string {
	t.Helper()
	p, err := here().byHand(p)
	if err != nil {
		t.Fatal(err)
	}
	s := &script{at: here()}
	part(s, p, s.settings(p))
	if s.err != nil {
		t.Fatal(s.err)
	}
	return s.b.String()
}

// calls runs a part of a script with stubs, in a directory of its own: the calls of the
// stubs, word by word, and the files that it left.
func calls(t *testing.T, text string, args ...string) (calls [][]string, left []string) {
	t.Helper()
	bash := exec.Command("bash", append([]string{"-c", stub + text, "plan.sh"}, args...)...)
	bash.Dir = t.TempDir()
	out, err := bash.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for call := range strings.SplitSeq(string(out), "\x00END-OF-CALL\x00") {
		calls = append(calls, strings.Split(call, "\x00"))
	}
	left, err = filepath.Glob(filepath.Join(bash.Dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return calls, left
}

// effective is what env(1) makes of variables: the last value of each.
func effective(env []string) map[string]string {
	values := map[string]string{}
	for _, kv := range env {
		name, value, _ := strings.Cut(kv, "=")
		values[name] = value
	}
	return values
}

// Each word of a profile reaches a process as one argument, and no shell.
func TestScriptKeepsMetacharacters(t *testing.T) {
	p := builtIn(t, "demo-disagg")
	p.EngineArgs = nasty()
	p.Env = map[string]string{"A": `"; touch x; "`, "B": "$(touch x)", "C": "'\n'"}
	p.ServedName = "it's $(touch x) \"tiny\""
	launch := planned(t, p)
	got, left := calls(t, parts(t, launch, (*script).launch))
	if len(left) > 0 {
		t.Errorf("the script ran a part of the profile: it left %v", left)
	}
	sameServices(t, launch, got)
}

// sameServices compares the calls of start with the services of a plan.
func sameServices(t *testing.T, p plan.Plan, calls [][]string) {
	t.Helper()
	placed, err := p.At(here().Placement(p.Name, "1234"), nil)
	if err != nil {
		t.Fatal(err)
	}
	calls = slices.DeleteFunc(slices.Clone(calls), func(call []string) bool { return call[0] != "start" })
	if len(calls) != len(placed.Services) {
		t.Fatalf("%s: %d services are started, want %d", p.Name, len(calls), len(placed.Services))
	}
	for i, s := range placed.Services {
		name, words := calls[i][1], calls[i][2:]
		if name != s.Name || s.Log != filepath.Join(placed.Dirs[0], "logs", name+".log") {
			t.Errorf("%s: starts %s, whose log is not %s", p.Name, name, s.Log)
		}
		if s.Nice > 0 {
			s.Argv = slices.Concat([]string{"nice", "-n", fmt.Sprint(s.Nice)}, s.Argv)
		}
		env := words[:max(0, len(words)-len(s.Argv))]
		if diff := cmp.Diff(s.Argv, words[len(env):]); diff != "" {
			t.Errorf("%s of %s: arguments (-plan +script):\n%s", s.Name, p.Name, diff)
		}
		if diff := cmp.Diff(effective(s.Env), effective(env)); diff != "" {
			t.Errorf("%s of %s: environment (-plan +script):\n%s", s.Name, p.Name, diff)
		}
		if len(env) != len(s.Env) {
			t.Errorf("%s of %s has %d variables, want %d", s.Name, p.Name, len(env), len(s.Env))
		}
	}
}

// A script starts the services of its plan with their arguments and environment, in order.
func TestScriptStartsTheServicesOfThePlan(t *testing.T) {
	for _, name := range profiles.Names() {
		p := unchecked(builtInPlan(t, name))
		if multiHost(p) {
			continue // host by host: TestScriptOfAHostStartsWhatRunsThere
		}
		got, _ := calls(t, parts(t, p, (*script).launch))
		sameServices(t, p, got)
	}
}

// Variables that services share are written once; a value that only a later one overrides
// stays where it is.
func TestSharedEnvironmentKeepsTheLastWord(t *testing.T) {
	p := builtIn(t, "demo-disagg")
	p.Env = map[string]string{"DYN_REQUEST_PLANE": "nats", "X": "all"}
	p.Decode[0].Env = map[string]string{"X": "own"}
	launch := planned(t, p)
	text := parts(t, launch, (*script).launch)
	got, _ := calls(t, text)
	sameServices(t, launch, got)
	for shared, want := range map[string]int{"SPT_NOENV=1": 1, "DYN_GRACEFUL_SHUTDOWN_GRACE_PERIOD_SECS=0": 1, "DYN_REQUEST_PLANE=tcp": 6, "X=own": 1} {
		if n := strings.Count(text, shared); n != want {
			t.Errorf("%s is written %d times, want %d:\n%s", shared, n, want, text)
		}
	}
}

// withoutCaller is an environment whose NO_PROXY has the hosts only: the caller has none.
func withoutCaller(env []string) (own []string) {
	for _, kv := range env {
		ours, _, _ := strings.Cut(kv, ",${ENV:")
		own = append(own, ours)
	}
	return own
}

// The loop of a script runs aiperf with the arguments and environment of the load.
func TestScriptSweepIsTheLoad(t *testing.T) {
	for _, name := range []string{"disagg-1node", "agg-2node", "demo-agg", "demo-agg-urls"} {
		for _, options := range []aiperf.Options{guide(), {Seed: 7, FreshPrompts: true}} {
			launch := builtInPlan(t, name)
			launch.Load.Options = options
			launch.Load.Args = []string{"--goodput", "time_to_first_token:500 inter_token_latency:25", "--x=a b'$c"}
			text := parts(t, launch, (*script).load)
			got, _ := calls(t, `env() { if [ "$1" = -i ]; then shift 2; fi; show "$@"; }
request() { code=200; }; wait_served() { :; }; cat() { :; }; echo() { :; }; plot() { :; }; inherited=(); cd /
`+strings.ReplaceAll(text, `>"$results/deployment_config.json"`, ">/dev/null"))
			placed, err := launch.At(plan.Placement{Temp: "/tmp/t1", Cookie: cookie, Artifacts: "/r/root/artifacts_0"}, nil)
			if err != nil {
				t.Fatal(err)
			}
			l := placed.Load
			if len(got) != len(l.Concurrency)+1 {
				t.Fatalf("%s: %d cells, want %d", name, len(got)-1, len(l.Concurrency))
			}
			for i, c := range l.Concurrency {
				argv := l.Argv(c, fmt.Sprintf("/r/root/artifacts_0/-concurrency%d", c))
				words := got[i]
				if diff := cmp.Diff(argv, words[len(words)-len(argv):]); diff != "" {
					t.Errorf("%s at %d (-load +script):\n%s", name, c, diff)
				}
				var env []string
				for _, word := range words[:len(words)-len(argv)] {
					if word != "-u" {
						env = append(env, word)
					}
				}
				slices.Sort(env)
				if diff := cmp.Diff(slices.Sorted(slices.Values(withoutCaller(l.Env))), env); diff != "" {
					t.Errorf("%s at %d: environment (-load +script):\n%s", name, c, diff)
				}
			}
		}
	}
}

func TestScriptIsNice(t *testing.T) {
	p := builtIn(t, "agg-1node")
	p.Nice = 5
	text := printed(t, here(), planned(t, p))
	if n := strings.Count(text, "  nice -n 5 vllm serve "); n != 2 {
		t.Errorf("%d servers are started nicely, want 2", n)
	}
	if strings.Contains(text, "nice -n 5 nginx") {
		t.Error("nginx is started nicely: it is no worker")
	}
}

// Files reach the disk byte for byte, whatever they hold, without a newline at the end too.
func TestScriptWritesFiles(t *testing.T) {
	at := Places{Root: filepath.Join(t.TempDir(), "a b"), Temp: "/tmp"}
	at.State = filepath.Join(at.Root, "state")
	dir := plan.Unplaced().Dir
	p := plan.Plan{Name: "n", Dirs: []string{dir, dir + "/logs"}}
	for i, text := range []string{"one\n", "no newline", "it's $(touch x)\nEND-OF-FILE\n`touch x`\n", "a $b \\ \\\\ \\\n\"$call\" \\$\n", "", "%s\\n", "for " + dir + "s\n", dir + " alone"} {
		p.Files = append(p.Files, plan.File{Path: filepath.Join(dir, fmt.Sprint(i)), Text: text})
	}
	s := script{at: at}
	s.settings(p)
	s.files(p, "")
	if out, err := exec.Command("bash", "-euc", "call=1234; root=$1; "+s.b.String(), "plan.sh", at.Root).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	placed, err := p.At(at.Placement("n", "1234"), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range placed.Files {
		got, err := os.ReadFile(f.Path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(f.Text, string(got)); diff != "" {
			t.Errorf("%s (-plan +file):\n%s", f.Path, diff)
		}
	}
}

// With several topologies an argument chooses one. A script with a wrong argument does
// nothing.
func TestScriptOfSeveralRefusesWhatItDoesNotKnow(t *testing.T) {
	near := printed(t, here(), builtInPlan(t, "demo-agg"), builtInPlan(t, "demo-disagg"))
	far := printed(t, here(), builtInPlan(t, "demo-agg"), builtInPlan(t, "disagg-2node"))
	for _, row := range []struct{ script, args, usage string }{
		{near, "launch", "usage: bash bash [NAME [launch]], where NAME is one of demo-agg|demo-disagg"},
		{near, "demo-agg lunch", "usage: bash bash NAME [launch]"},
		{far, "", "usage: bash bash NAME ..., which is one of demo-agg|disagg-2node"},
		{far, "node0", "usage: bash bash NAME ..., which is one of demo-agg|disagg-2node"},
		{far, "disagg-2node", "usage: bash bash NAME node0|node1|load"},
	} {
		bash := exec.Command("bash", append([]string{"-s"}, strings.Fields(row.args)...)...)
		bash.Stdin = strings.NewReader(row.script)
		out, err := bash.CombinedOutput()
		if bash.ProcessState.ExitCode() != 2 || string(out) != row.usage+"\n" {
			t.Errorf("%q: %v\n%s", row.args, err, out)
		}
	}
}

// A script reports a dead process instead of waiting for it for ever.
func TestScriptSeesADeath(t *testing.T) {
	demo := builtIn(t, "demo-disagg")
	demo.PortBase, demo.Frontend.Port = 21500, 21580 // where nothing answers
	dir := t.TempDir()
	p := planned(t, demo)
	for i := range p.Services {
		p.Services[i].Argv[0] = "false"
	}
	text := printed(t, Places{Root: dir, State: filepath.Join(dir, ".state"), Temp: "/tmp"}, p)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	bash := exec.CommandContext(ctx, "bash", "-s", "launch")
	bash.Dir, bash.Stdin = dir, strings.NewReader(text)
	out, err := bash.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "a process died while waiting for frontend") {
		t.Errorf("error %v, output:\n%s", err, out)
	}
}
