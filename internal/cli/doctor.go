package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"topobench/internal/deploy"
	"topobench/internal/host"
	"topobench/internal/plan"
	"topobench/internal/preflight"
	"topobench/internal/programs"
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
	binFlags  `group:"Programs"`
	loadFlags `group:"Load"`
	MinFree   size `default:"1GiB" help:"Disk space that must be free for logs (0 = not checked)." group:"Disk"`
}

// Run prints the checks. Its exit code is that with which run would end before it starts anything.
func (c *doctorCmd) Run(ctx context.Context, env *Env) error {
	if err := linuxOnly("doctor"); err != nil {
		return err
	}
	profiles, err := loadProfiles(c.Profiles, c.loadFlags, env, c.roundFlags.check())
	if err != nil {
		return err
	}
	report := preflight.Doctor(ctx, env.complete(preflight.Request{Profiles: profiles, Load: c.options(),
		Launches: c.launches(c.Profiles),
		Programs: programs.Paths(c.binFlags), Baseline: c.Baseline, Root: c.Root, MinFree: uint64(c.MinFree),
		MapGPUs: c.Map}))
	report.Checks = append(report.Checks, inPlace(ctx, report)...)
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

// inPlace checks the ports and GPUs that others have, and the servers that the profiles name by URL.
func inPlace(ctx context.Context, report preflight.Report) (checks []preflight.Check) {
	var ports []plan.Port
	devices := map[string]string{} // by UUID
	for _, p := range report.Plans() {
		ports = append(ports, p.Ports()...)
		for _, index := range p.Hardware.Devices {
			if d, there := report.GPUs.Of(index); there {
				devices[d.UUID] = d.String()
			}
		}
		for _, s := range p.External {
			checks = append(checks, answers(ctx, p, s))
		}
	}
	faults := deploy.Claimed(ports, devices)
	if len(faults) == 0 { // the ports of a run that holds the claims are its own
		if err := deploy.FreePorts(ctx, host.Local{}, ports); err != nil {
			faults = append(faults, err)
		}
	}
	if len(ports) > 0 && len(faults) == 0 {
		checks = append(checks, preflight.Check{Name: preflight.Ports, State: preflight.OK,
			Found: fmt.Sprintf("the %d ports of the plans are free", len(ports))})
	}
	for _, err := range faults {
		name := preflight.Ports
		if _, gpus := errors.AsType[*deploy.GPUsBusyError](err); gpus {
			name = preflight.GPUs
		}
		checks = append(checks, preflight.Check{Name: name, State: preflight.Failure, Found: err.Error(),
			Code: exitCode(err)})
	}
	return checks
}

// answers probes a server of others, as run does before it starts a topology.
func answers(ctx context.Context, p plan.Plan, s plan.Service) preflight.Check {
	c := preflight.Check{Name: preflight.Discovery, State: preflight.OK, Found: p.Name + ": " + s.Name + " answers"}
	if err := deploy.NewProber(host.Local{}).Gate(ctx, s.Gate); err != nil {
		c.State, c.Code = preflight.Failure, codeNotUp
		c.Found = fmt.Sprintf("%s: %s does not answer: %v", p.Name, s.Name, err)
		c.Remedy = "start it, or correct the URL below discovery"
	}
	return c
}
