package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"topobench/internal/artifacts"
	"topobench/internal/host/agent"
	"topobench/internal/journal"
	"topobench/internal/preflight"
	"topobench/internal/profile"
	"topobench/internal/run"
	"topobench/internal/text"
)

// defaultRoot is where runs write without --artifacts-root-dir.
const defaultRoot = "artifacts_root"

// elsewhere cleans another machine: an agent there finds the dead runs of its user as clean does here.
func (c *cleanCmd) elsewhere(ctx context.Context, env *Env) error {
	name, h, err := c.host()
	if err == nil {
		err = safeWords(h) // a journal may be from elsewhere
	}
	if err != nil {
		return &usageError{fmt.Errorf("--host %s: %w", c.Host, err)}
	}
	alone := profile.Profile{Hosts: map[string]profile.Host{name: h}, Aggregated: []profile.Worker{{Host: name}}}
	hosts, err := env.connect(ctx, []profile.Profile{alone}, Target{Run: run.NewID(), Grace: agent.DefaultGrace})
	if err != nil {
		return err
	}
	var answer cleaning
	err = preflight.Inspect(ctx, inspector{hosts[name], cleanOf}, cleaning{DryRun: c.DryRun, Force: c.Force}, &answer)
	fmt.Fprint(env.Stdout, answer.Output)
	if answer.Error != "" {
		fmt.Fprintf(env.Stderr, "topobench: %s: %s\n", name, answer.Error)
		err = &reportedError{code: answer.Code}
	}
	return errors.Join(err, hosts.close())
}

// safeWords refuses an address or a user that ssh or srun would take for something else.
func safeWords(h profile.Host) error {
	faults := []string{profile.CheckAddress(h.Address)}
	if h.User != "" {
		faults = append(faults, profile.CheckUser(h.User))
	}
	var err error
	for _, fault := range faults {
		if fault != "" {
			err = errors.Join(err, errors.New(fault))
		}
	}
	return err
}

// host is the machine that the flag names, with its address or by the journals of earlier runs.
func (c *cleanCmd) host() (name string, h profile.Host, err error) {
	if strings.Contains(c.Host, "=") {
		var typed machines
		if err := typed.UnmarshalText([]byte(c.Host)); err != nil {
			return "", h, fmt.Errorf("%w: write NAME=ADDRESS or NAME=USER@ADDRESS", err)
		}
		names := slices.Sorted(maps.Keys(typed.at))
		if len(names) > 1 {
			return "", h, errors.New("clean takes one host at a time")
		}
		return names[0], typed.at[names[0]], nil
	}
	name = c.Host
	roots := c.Roots
	if len(roots) == 0 {
		roots = []string{defaultRoot}
	}
	found := hostsIn(roots, name)
	switch all := slices.Sorted(maps.Keys(found)); len(all) {
	case 0:
		return "", h, fmt.Errorf("no run below %s has reached a host of that name: write "+
			"%s=USER@ADDRESS, or name the root with --artifacts-root-dir", strings.Join(roots, ", "), name)
	case 1:
		return name, found[all[0]], nil
	default:
		return "", h, fmt.Errorf("runs have reached %s by that name: write %s=USER@ADDRESS",
			strings.Join(all, " and "), name)
	}
}

// hostsIn are the machines of a name in the journals below some roots, by their texts.
func hostsIn(roots []string, name string) map[string]profile.Host {
	found := map[string]profile.Host{}
	for _, root := range roots {
		paths, _ := filepath.Glob(filepath.Join(root, artifacts.StateDir, "*", journal.Name)) // a bad pattern has none
		for _, path := range paths {
			records, _ := journal.Read(path) // of a damaged one, those before the damage
			for _, r := range records {
				if e, is := r.Event.(journal.Host); is && e.Name == name {
					h := profile.Host{Transport: e.Transport, Address: e.Address, User: e.User}
					found[text.OneLine(textOf(name, h))] = h
				}
			}
		}
	}
	return found
}
