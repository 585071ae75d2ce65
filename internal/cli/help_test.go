package cli

import (
	"bytes"
	"cmp"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"topobench/internal/artifacts"
	"topobench/internal/journal"
	"topobench/internal/plan"
	"topobench/internal/preflight"
	"topobench/internal/profile"
	"topobench/internal/report"
	"topobench/internal/run"
	"topobench/internal/verdict"
)

func help(t *testing.T, args ...string) string {
	t.Helper()
	var out, faults bytes.Buffer
	if code := Main(append([]string{"help"}, args...), &Env{Stdout: &out, Stderr: &faults}); code != codeOK {
		t.Fatalf("help %v: exit %d\n%s", args, code, &faults)
	}
	return out.String()
}

func TestHelpListsItsTopics(t *testing.T) {
	list := help(t)
	for _, topic := range topics() {
		if !strings.Contains(list, "\n  "+topic.name+" ") && !strings.HasPrefix(list, "  "+topic.name+" ") {
			t.Errorf("help does not list %s:\n%s", topic.name, list)
		}
	}
	var out bytes.Buffer
	if code := Main([]string{"help", "nonesuch"}, &Env{Stdout: &out, Stderr: &out}); code != codeUsage ||
		!strings.Contains(out.String(), "cannot find the topic nonesuch") {
		t.Errorf("help nonesuch: exit %d, %s", code, &out)
	}
}

func TestHelpFitsATerminalAndIsPlainEnglish(t *testing.T) {
	habits := regexp.MustCompile(`(?i)\b(told|tells?|said|says|asks?|asked|nobody|somebody|anew|strangers?|lies|stands|` +
		`believed|wants)\b|(?:^|[.:;] )(What|Who|Of|Where) [a-z]`)
	pages := []string{help(t)}
	for _, topic := range topics() {
		pages = append(pages, help(t, topic.name))
	}
	for _, page := range pages {
		if !strings.HasSuffix(page, "\n") || strings.HasSuffix(page, "\n\n") {
			t.Errorf("a page ends in %q", page[len(page)-3:])
		}
		for line := range strings.Lines(page) {
			line = strings.TrimSuffix(line, "\n")
			if n := len([]rune(line)); n > pageWidth {
				t.Errorf("%d columns: %s", n, line)
			}
			if strings.TrimRight(line, " ") != line {
				t.Errorf("%q ends in a blank", line)
			}
		}
		if habit := habits.FindString(strings.Join(strings.Fields(page), " ")); habit != "" {
			t.Errorf("not plain English: %q", habit)
		}
	}
}

// Each entry of the program's tables is in its page, followed by its description.
func TestHelpIsComplete(t *testing.T) {
	pages := map[string]string{} // in one line
	for _, topic := range topics() {
		pages[topic.name] = strings.Join(strings.Fields(help(t, topic.name)), " ")
	}
	want := func(topic, name, description string) {
		t.Helper()
		entry := " " + strings.Join(strings.Fields(name+" "+description), " ")
		if description == "" || !strings.Contains(pages[topic], entry) {
			t.Errorf("help %s lacks %q", topic, entry)
		}
	}
	for _, r := range verdict.Rules() {
		why := r.Why + "."
		if r.Threshold != "" {
			why += " Limit: " + r.Threshold + "."
		}
		why += " Without evidence: " + string(r.WithoutEvidence) + "."
		if r.EndsLaunch {
			why += " Ends the launch."
		}
		want("rules", string(r.Name), why)
	}
	for _, check := range preflight.Names() {
		want("rules", check[0], check[1])
	}
	for _, d := range report.Differences() {
		want("rules", strings.ReplaceAll(d.Names, ",", ", "), "Between: "+string(d.Between)+". Within: "+string(d.Within)+". Reason: "+d.Why+".")
	}
	want("rules", "", report.PercentileRule())
	for _, prefix := range plan.Recorded() {
		want("rules", "", prefix)
	}
	for _, s := range verdict.States() {
		want("rules", string(s.State), s.Meaning)
	}
	for _, e := range exits() {
		want("rules", strconv.Itoa(e.code), e.meaning)
	}
	for _, r := range run.TeardownRules() {
		want("teardown", r.Name, r.Holds+" ("+r.Limit+")")
	}
	want("teardown", "in this order:", "balancer; frontend; prefill, decode, aggregated; etcd, nats.")
	for _, limit := range teardownLimits() {
		want("teardown", "-", limit)
	}
	for _, s := range stopSteps(nil, nil, nil) {
		want("teardown", "", s.does)
	}
	for _, table := range [][][2]string{artifacts.DeploymentKeys(), artifacts.SidecarKeys(), journal.Kinds()} {
		for _, entry := range table {
			want("artifacts", entry[0], entry[1])
		}
	}
	for _, key := range report.AAKeys() {
		want("artifacts", key[0], key[1])
	}
	for _, key := range report.BaselineKeys() {
		want("artifacts", key[0], key[1])
	}
	for _, r := range report.Results() {
		want("rules", string(r.Result), r.Meaning)
	}
	for _, c := range slices.Concat(report.Columns(), report.SummaryColumns()) {
		want("artifacts", c.Name, c.Help)
	}
	for _, v := range variables() {
		want("environment", v[0], v[1])
	}
	for _, a := range plan.Bookkeeping(plan.Placement{Cookie: "RUN-ID", Temp: "DIRECTORY"}) {
		want("environment", a.Name+"="+a.Value, a.Why)
	}
	for _, row := range plan.Dropped() {
		want("environment", row.Text(), row.Why+".")
	}
	for _, row := range plan.SlowVariables() {
		want("environment", row.Text(), row.Cost)
	}
	for _, m := range report.Metrics() {
		want("metrics", cmp.Or(m.Shown, m.Column), m.Help+". Unit: "+m.Unit+". Source: "+m.Source)
	}
	for _, axis := range report.Axes() {
		want("metrics", axis.Flag, axis.Help+". Column: "+axis.Column+". Files: pareto_plot"+axis.File+".png, results"+axis.File+".csv.")
	}
}

// Every key has its type, and but for a grace, whose name is a role, its description. Defaults are the program's own.
func TestHelpHasEveryProfileKey(t *testing.T) {
	page := help(t, "profile")
	for _, key := range profileKeys(reflect.TypeFor[profile.Profile]()) {
		if !regexp.MustCompile(`(?m)^ +` + key + ` +\S`).MatchString(page) {
			t.Errorf("help profile lacks %s", key)
		}
	}
	for _, key := range profile.Keys() {
		if key.Help == "" && key.Type != "duration" {
			t.Errorf("%s has no description", key.Name)
		}
	}
	for _, line := range []string{
		"engine dynamo | vllm | mocker | command: program", "health text, default /health: path", "isl integer 1..1000000, default 3000: input", "ready duration, default 30m: for",
		"grace duration, default 30s: between", "config text, default guide: guide", "tensor_parallel integer 1..1024, default 1: GPUs",
		"etcd text, default start for engine dynamo, else none: start", "concurrency list of integers 1..4096, default 1, 2, 4,",
		"versions mapping of aiperf, dynamo, etcd, nats, nginx, vllm: versions",
	} {
		if !strings.Contains(strings.Join(strings.Fields(page), " "), line) {
			t.Errorf("help profile lacks %q", line)
		}
	}
}

// profileKeys are the keys of a struct and of all structs below it.
func profileKeys(of reflect.Type) (keys []string) {
	for field := range of.Fields() {
		if key := field.Tag.Get("yaml"); key != "-" {
			keys = append(keys, key)
		}
		below := field.Type
		for k := below.Kind(); k == reflect.Pointer || k == reflect.Slice || k == reflect.Map; k = below.Kind() {
			below = below.Elem()
		}
		if below.Kind() == reflect.Struct {
			keys = append(keys, profileKeys(below)...)
		}
	}
	return keys
}

func TestEveryFlagHasAHelp(t *testing.T) {
	parser, err := kong.New(&commands{}, kong.Vars{"version": ""})
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range parser.Model.Children {
		for _, group := range command.AllFlags(false) {
			for _, flag := range group {
				if flag.Help == "" {
					t.Errorf("topobench %s --help has no text for --%s", command.Name, flag.Name)
				}
			}
		}
	}
}

// The grammar of one command says what that of all commands says of it.
func TestGrammarOfOneCommand(t *testing.T) {
	var all commands
	for field := range reflect.TypeOf(all).Fields() {
		if _, command := field.Tag.Lookup("cmd"); !command {
			continue
		}
		name := strings.ToLower(field.Name)
		if got, want := manual(t, []string{name}, name), manual(t, nil, name); got != want || got == "" {
			t.Errorf("alone:\n%s\nas one of all:\n%s", got, want)
		}
	}
}

// manual is the help of a command by the grammar for some arguments.
func manual(t *testing.T, args []string, command string) string {
	var out bytes.Buffer
	parser, err := new(commands).parser(args, &Env{Stdout: &out, Stderr: &out}, &signals{ctx: t.Context()})
	if err != nil {
		t.Fatal(err)
	}
	func() {
		defer func() { _ = recover().(stopped) }()
		_, _ = parser.Parse([]string{command, "--help"})
	}()
	return out.String()
}
