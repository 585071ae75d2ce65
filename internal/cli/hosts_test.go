package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"topobench/internal/host/slurm"
	"topobench/internal/host/ssh"
	"topobench/internal/profile"
)

// placed are the hosts of a profile, as NAME=transport user@node address, in an environment with these nodes.
func placed(t *testing.T, hosts, given string, slurm bool, nodes ...profile.Host) (map[string]string, error) {
	t.Helper()
	text := "{name: a, kind: k, engine: vllm, model: m, hosts: {" + hosts + "}, balancer: {port: 8000, host: b}, aggregated: [" +
		"{cuda_visible_devices: [0], port: 8001, host: a}, {cuda_visible_devices: [0], port: 8001, host: b}]}"
	p, err := profile.Reader{}.Parse("a.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var flag machines
	if given != "" {
		if err := flag.UnmarshalText([]byte(given)); err != nil {
			return nil, err
		}
	}
	env := &Env{Args: []string{"plan", "a.yaml"},
		Nodes: func(context.Context) ([]profile.Host, error) { return nodes, nil },
		Lookup: func(_ context.Context, name string) ([]string, error) {
			if name == "none" {
				return nil, errors.New("no such host")
			}
			return []string{"fe80::1", "10.1.0." + strings.TrimPrefix(name, "n")}, nil
		}}
	if slurm {
		env.Environ = []string{"SLURM_JOB_ID=7"}
	}
	all := []profile.Profile{p}
	err = env.place(t.Context(), all, flag.at)
	got := map[string]string{}
	for name, h := range all[0].Hosts {
		got[name] = fmt.Sprintf("%s %s@%s %s", h.Transport, h.User, h.Node, h.Address)
	}
	return got, err
}

func slurmNode(n string) profile.Host {
	return profile.Host{Transport: profile.Slurm, Node: "n" + n, Address: "10.0.0." + n}
}

func TestHostsGetTheirMachines(t *testing.T) {
	one, two, three := slurmNode("1"), slurmNode("2"), slurmNode("3")
	for _, row := range []struct {
		why, hosts, given string
		nodes             []profile.Host
		a, b              string
	}{
		{"addresses of --hosts", "a: {}, b: {}", "a=10.0.0.5,b=me@10.0.0.6", nil, "ssh @ 10.0.0.5", "ssh me@ 10.0.0.6"},
		{"names, which ssh keeps", "a: {}, b: {}", "a=n5,b=me@n6", nil, "ssh @n5 10.1.0.5", "ssh me@n6 10.1.0.6"},
		{"--hosts over the profile's machine", "a: {transport: ssh, address: 1.2.3.4, user: me, node: gw}, b: {}", "a=10.0.0.5,b=10.0.0.6", nil,
			"ssh @ 10.0.0.5", "ssh @ 10.0.0.6"},
		{"user and node of a place", "a: {transport: ssh, user: me, node: gw}, b: {}", "a=10.0.0.5,b=10.0.0.6", nil, "ssh me@gw 10.0.0.5", "ssh @ 10.0.0.6"},
		{"names of the profile", "a: {transport: ssh, address: n7}, b: {transport: ssh, address: me@n8}", "", nil, "ssh @n7 10.1.0.7", "ssh me@n8 10.1.0.8"},
		{"nodes in the order of the hosts' names", "b: {transport: slurm}, a: {}", "", []profile.Host{one, two, three}, "slurm @n1 10.0.0.1", "slurm @n2 10.0.0.2"},
		{"a node by its name, the others in order", "a: {}, b: {transport: slurm, node: n1}", "", []profile.Host{one, two}, "slurm @n2 10.0.0.2", "slurm @n1 10.0.0.1"},
		{"--hosts before the allocation", "a: {}, b: {}", "a=10.0.0.5", []profile.Host{one}, "ssh @ 10.0.0.5", "slurm @n1 10.0.0.1"},
		{"a node whose address is a name", "a: {}, b: {}", "", []profile.Host{{Transport: profile.Slurm, Node: "n1", Address: "n1"}, two}, "slurm @n1 10.1.0.1", "slurm @n2 10.0.0.2"},
	} {
		got, err := placed(t, row.hosts, row.given, row.nodes != nil, row.nodes...)
		if err != nil {
			t.Errorf("%s: %v", row.why, err)
		}
		if diff := cmp.Diff(map[string]string{"a": row.a, "b": row.b}, got); diff != "" {
			t.Errorf("%s (-want +got): %s", row.why, diff)
		}
	}
}

// Every message has the same command for an allocation.
func TestOneCommandMakesAnAllocation(t *testing.T) {
	err := ssh.Transport{}.Explain("Access denied by pam_slurm_adopt: you have no active jobs on this node", 255)
	if err == nil || !strings.Contains(err.Error(), ": "+slurm.Salloc(2)+" (") {
		t.Errorf("got %v, want %s", err, slurm.Salloc(2))
	}
}

func TestHostsWithoutAMachineAreRefused(t *testing.T) {
	ssh, slurm := "topobench plan a.yaml --hosts a=[USER@]ADDRESS,b=[USER@]ADDRESS", "salloc -N2 --exclusive --gpus-per-node=1 topobench plan a.yaml"
	for _, row := range []struct {
		why, hosts, given string
		slurm             bool
		nodes             []profile.Host
		want, not         string
	}{
		{"neither flag nor allocation", "a: {}, b: {}", "", false, nil, ssh + "\n  under Slurm: " + slurm, "no node"},
		{"the nodes of an allocation that is not there", "a: {transport: slurm}, b: {transport: slurm}", "", false, nil, slurm, "by ssh"},
		{"ssh has no allocation", "a: {transport: ssh}, b: {transport: ssh}", "", false, nil, ssh, "salloc"},
		{"one is left", "a: {}, b: {}", "b=10.0.0.5", false, nil, "--hosts a=[USER@]ADDRESS\n  under Slurm: salloc -N1 --exclusive ", "b="},
		{"too small an allocation", "a: {}, b: {}", "", true, []profile.Host{slurmNode("1")}, "a.yaml needs 2 nodes, and the allocation has n1: salloc -N2 --exclusive", "ssh"},
		{"a node of another allocation", "a: {}, b: {transport: slurm, node: n9}", "", true, []profile.Host{slurmNode("1"), slurmNode("2")}, "no node n9 (that no other host has): it has n1, n2", "ssh"},
		{"a host of ssh in an allocation", "a: {transport: ssh}, b: {}", "", true, []profile.Host{slurmNode("1"), slurmNode("2")}, "--hosts a=[USER@]ADDRESS", "salloc"},
		{"two names of one machine", "a: {}, b: {}", "a=n5,b=10.1.0.5", false, nil, "aggregated-1 and aggregated-0 both name GPU 0: give each its own", "{line}"},
		{"a name of no machine", "a: {}, b: {}", "a=none,b=n1", false, nil, "host a: cannot resolve none: no such host", "host b"},
	} {
		_, err := placed(t, row.hosts, row.given, row.slurm, row.nodes...)
		if err == nil || !strings.Contains(err.Error(), row.want) || strings.Contains(err.Error(), row.not) {
			t.Errorf("%s: error %v\nwant %q, without %q", row.why, err, row.want, row.not)
		}
	}
}
