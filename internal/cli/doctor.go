package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"topobench/internal/host/agent"
	"topobench/internal/preflight"
	"topobench/internal/programs"
	"topobench/internal/run"
	"topobench/internal/text"
	"topobench/internal/ui"
)

type doctorCmd struct {
	Profiles []string `arg:"" optional:"" name:"profile" help:"Built-in names or paths (default: only the machine)."`
	JSON     bool     `name:"json" help:"Print JSON: exit_code, and checks of check, state, found, remedy, exit_code."`
	Root     string   `name:"artifacts-root-dir" default:"artifacts_root" type:"path" help:"Results directory."`
	Baseline string   `placeholder:"LABEL" help:"Series to compare with (default: the aggregated one)."`
	Map      bool     `name:"gpus-from-allocation" help:"Replace each profile's GPUs by those of the allocation."`
	roundFlags
	kubeFlags `group:"Kubernetes"`
	binFlags  `group:"Programs"`
	loadFlags `group:"Load"`
	MinFree   size `default:"1GiB" help:"Disk space that must be free for logs (0 = not checked)." group:"Disk"`
}

// Run prints the checks. Its exit code is that with which run would end before it starts anything.
func (c *doctorCmd) Run(ctx context.Context, env *Env) error {
	if err := linuxOnly("doctor"); err != nil {
		return err
	}
	if c.Kube {
		return c.inCluster(ctx, env)
	}
	profiles, err := loadProfiles(ctx, c.Profiles, c.loadFlags, env, c.roundFlags.check(), c.kubeFlags.check())
	if err != nil {
		return err
	}
	hosts, err := env.connect(ctx, profiles, Target{Run: run.NewID(), Grace: agent.DefaultGrace})
	if err != nil {
		return err
	}
	report := preflight.Doctor(ctx, env.complete(preflight.Request{Profiles: profiles, Load: c.options(),
		Launches: c.launches(c.Profiles),
		Programs: programs.Paths(c.binFlags), Baseline: c.Baseline, Root: c.Root, MinFree: uint64(c.MinFree),
		MapGPUs: c.Map, Hosts: hosts.inspectors()}))
	report.Checks = append(report.Checks, inPlace(ctx, report, hosts)...)
	return errors.Join(c.print(env, report), hosts.close())
}

// print prints a report. Its error is the exit code.
func (c *doctorCmd) print(env *Env, report preflight.Report) (err error) {
	code := exitCode(report.Err())
	if c.JSON {
		out := json.NewEncoder(env.Stdout)
		out.SetIndent("", "  ")
		err = out.Encode(struct {
			Code   int               `json:"exit_code"`
			Checks []preflight.Check `json:"checks"`
		}{code, report.Checks})
	} else {
		out := ui.NewPrinter(env.Stdout, env.Getenv)
		for _, t := range report.Topologies {
			out.Print(t.GPUMap...)
		}
		printChecks(out, report.Checks, code)
		err = out.Err()
	}
	if err == nil && code != codeOK {
		err = &reportedError{code: code}
	}
	return err
}

// printChecks prints each check in one line or more, and a summary.
func printChecks(out *ui.Printer, checks []preflight.Check, code int) {
	count := map[preflight.State]int{}
	var lines []string
	for _, c := range checks {
		lines = append(lines, checkLines(c))
		count[c.State]++
	}
	out.Print(text.Distinct(lines)...)
	verdict := "run can start"
	if code != codeOK {
		verdict = fmt.Sprintf("run would end with exit code %d before it starts anything", code)
	}
	sum := fmt.Sprintf("ok %d, warnings %d, failures %d: %s", count[preflight.OK], count[preflight.Warning],
		count[preflight.Failure], verdict)
	out.Print(text.Wrap(sum, "", "  ", text.Width)...)
}

// checkLines is a row of the table: state, name and text, which wraps below the name. A first word that is too long for
// the third column, such as a path, is there too.
func checkLines(c preflight.Check) string {
	const indent = "         " // of the name
	first, found := fmt.Sprintf("%-8s %-14s ", c.State, c.Name), text.OneLine(c.String())
	if word, _, _ := strings.Cut(found, " "); utf8.RuneCountInString(first+word) > text.Width {
		below := text.Wrap(found, indent, indent, text.Width)
		return strings.TrimSpace(first) + "\n" + strings.Join(below, "\n")
	}
	return strings.Join(text.Wrap(found, first, indent, text.Width), "\n")
}
