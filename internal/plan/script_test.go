package plan

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
		isBash(t, printed(t, builtInPlan(t, name)))
	}
	isBash(t, printed(t, builtInPlan(t, "demo-agg"), builtInPlan(t, "disagg-2node")))
}

// stub makes a script print the words of what it would start and wait for.
const stub = `set -eu
show() { printf '%s\0' "$@" END-OF-CALL; }
start() { show start "$@"; }
until_true() { show until_true "$@"; }
inherited=() call=@CALL@
`

// started runs the launch part of a script with stubs, in a directory of its own:
// what was called, word by word, and which files that left.
func started(t *testing.T, p Plan) (calls [][]string, left []string) {
	t.Helper()
	var s script
	s.launch(p)
	bash := exec.Command("bash", "-c", stub+s.b.String())
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

// What a profile says reaches a process as one argument, and no shell.
func TestScriptKeepsMetacharacters(t *testing.T) {
	p := builtIn(t, "demo-disagg")
	p.EngineArgs = nasty()
	p.Env = map[string]string{"A": `"; touch x; "`, "B": "$(touch x)", "C": "'\n'"}
	p.ServedName = "it's $(touch x) \"tiny\""
	launch := planned(t, p)
	calls, left := started(t, launch)
	if len(left) > 0 {
		t.Errorf("the script ran a part of the profile: it left %v", left)
	}
	for i, s := range launch.Services {
		want := slices.Concat([]string{"start", s.Log}, s.Env, s.Argv)
		if diff := cmp.Diff(want, calls[i]); diff != "" {
			t.Errorf("%s (-plan +script):\n%s", s.Name, diff)
		}
	}
}

func TestScriptStartsWhatThePlanSays(t *testing.T) {
	for _, name := range profiles.Names() {
		p := builtInPlan(t, name)
		if over(p) {
			continue // host by host: TestScriptOfAHostStartsWhatRunsThere
		}
		p.Services = slices.Clone(p.Services)
		for i := range p.Services {
			p.Services[i].Check = nil // it would run
		}
		calls, _ := started(t, p)
		var names []string
		for _, call := range calls {
			if call[0] == "start" {
				names = append(names, strings.TrimSuffix(filepath.Base(call[1]), ".log"))
			}
		}
		if got, want := strings.Join(names, " "), strings.ReplaceAll(order(p), " /", ""); got != want {
			t.Errorf("%s: starts %s, want %s", name, got, want)
		}
	}
}

func TestScriptIsNice(t *testing.T) {
	p := builtIn(t, "agg-1node")
	p.Nice = 5
	text := printed(t, planned(t, p))
	if n := strings.Count(text, " nice -n 5 vllm serve "); n != 2 {
		t.Errorf("%d servers are started nicely, want 2", n)
	}
	if strings.Contains(text, "nice -n 5 nginx") {
		t.Error("nginx is started nicely: it is no worker")
	}
}

// Files reach the disk byte for byte, whatever they hold, without a newline at the end too.
func TestScriptWritesFiles(t *testing.T) {
	dir := t.TempDir()
	p := Plan{Dirs: []string{filepath.Join(dir, "a b", "c-"+Call)}}
	for i, text := range []string{"one\n", "no newline", "it's $(touch x)\nEND-OF-FILE\n`touch x`\n", "a $b \\ \\\\ \\\n\"$call\" \\$\n", "", "%s\\n", "for " + Call + "s\n", Call + " alone"} {
		p.Files = append(p.Files, File{Path: filepath.Join(p.Dirs[0], fmt.Sprint(i)), Text: text})
	}
	var s script
	s.files(p)
	if out, err := exec.Command("bash", "-euc", "call=1234; "+s.b.String()).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, f := range p.Files {
		got, err := os.ReadFile(strings.ReplaceAll(f.Path, Call, "1234"))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(strings.ReplaceAll(f.Text, Call, "1234"), string(got)); diff != "" {
			t.Errorf("%s (-plan +file):\n%s", f.Path, diff)
		}
	}
}

// With several topologies an argument says which, and what of it; without a good one
// nothing is done.
func TestScriptOfSeveralRefusesWhatItDoesNotKnow(t *testing.T) {
	near := printed(t, builtInPlan(t, "demo-agg"), builtInPlan(t, "demo-disagg"))
	far := printed(t, builtInPlan(t, "demo-agg"), builtInPlan(t, "disagg-2node"))
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

// A script that waits for a process that is dead says so instead of waiting for ever.
func TestScriptSeesADeath(t *testing.T) {
	demo := builtIn(t, "demo-disagg")
	demo.PortBase, demo.Frontend.Port = 21500, 21580 // where nothing answers
	p := planned(t, demo)
	dir := t.TempDir()
	text := strings.ReplaceAll(printed(t, p), "/runs/x", dir)
	text = strings.ReplaceAll(text, " python -m ", " false ")
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	bash := exec.CommandContext(ctx, "bash", "-s", "launch")
	bash.Dir, bash.Stdin = dir, strings.NewReader(text)
	out, err := bash.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "a process died while waiting for frontend") {
		t.Errorf("error %v, output:\n%s", err, out)
	}
}
