package slurm

import (
	"context"
	"errors"
	"fmt"
	"net"
	"regexp"
	"strings"

	"topobench/internal/host/agent"
	"topobench/internal/text"
)

// Run runs a program of Slurm, as host.Tool does with the whole environment.
type Run func(ctx context.Context, argv ...string) (stdout, stderr string, code int, err error)

// Job is an allocation, with its nodes in Slurm's order.
type Job struct {
	ID    string
	Nodes []Node
}

// Node is a machine of an allocation.
type Node struct {
	Name    string // in Slurm
	Address string // IP address
}

// Salloc is the command that makes an allocation of so many whole nodes; the caller adds the GPUs of a profile.
func Salloc(nodes int) string { return fmt.Sprintf("salloc -N%d --exclusive", nodes) }

// Allocation finds the allocation that this process runs in. Outside of one the job has no id.
func Allocation(ctx context.Context, getenv func(string) string, run Run) (Job, error) {
	list := getenv("SLURM_JOB_NODELIST")
	job := Job{ID: getenv("SLURM_JOB_ID")}
	if list == "" || job.ID == "" {
		return Job{}, nil
	}
	names, err := output(ctx, run, "scontrol", "show", "hostnames", list)
	if err != nil {
		return Job{}, fmt.Errorf("cannot read the nodes of job %s: %w", job.ID, err)
	}
	described, err := output(ctx, run, "scontrol", "--oneliner", "show", "node", list)
	if err != nil {
		return Job{}, fmt.Errorf("cannot read the addresses of the nodes of job %s: %w", job.ID, err)
	}
	addresses := nodeAddresses(described)
	var faults []error
	for _, name := range strings.Fields(names) {
		address, err := resolve(ctx, name, addresses[name], net.DefaultResolver.LookupHost)
		faults = append(faults, err)
		job.Nodes = append(job.Nodes, Node{name, address})
	}
	if len(job.Nodes) == 0 {
		faults = append(faults, fmt.Errorf("cannot read the nodes of job %s: scontrol lists none for %s", job.ID, list))
	}
	return job, errors.Join(faults...)
}

// output is the stdout of a program of Slurm.
func output(ctx context.Context, run Run, argv ...string) (string, error) {
	stdout, stderr, code, err := run(ctx, argv...)
	if err != nil || code != 0 {
		return "", fault(argv[0], code, stderr+stdout, err)
	}
	return stdout, nil
}

// fault is why a program of Slurm failed: err if it never ran, else its messages.
func fault(program string, code int, messages string, err error) error {
	if err != nil {
		messages = err.Error()
	}
	switch known := agent.Explain(Messages(), "the node", messages); {
	case known != nil:
		return known
	case err != nil:
		return err
	}
	return fmt.Errorf("%s ended with exit %d: %s", program, code, text.OneLine(messages))
}

// nodeAddresses reads lines of scontrol, a node each.
func nodeAddresses(described string) map[string]string {
	found := map[string]string{}
	for line := range strings.Lines(described) {
		name, address := nodeName.FindStringSubmatch(line), nodeAddr.FindStringSubmatch(line)
		if name != nil && address != nil {
			found[name[1]] = address[1]
		}
	}
	return found
}

var (
	nodeName = regexp.MustCompile(`^NodeName=(\S+)`) // constant
	nodeAddr = regexp.MustCompile(` NodeAddr=(\S+)`) // constant
)

// resolve is the IP address of a node. Slurm may have a name instead, and Debian resolves a machine's own name to a
// loopback address, which the other nodes cannot reach.
func resolve(ctx context.Context, node, address string, lookup func(context.Context, string) ([]string, error),
) (string, error) {
	if address == "" {
		return "", fmt.Errorf("scontrol shows no address of node %s: give one by --hosts", node)
	}
	if net.ParseIP(address) != nil {
		return address, nil
	}
	all, err := lookup(ctx, address)
	if err != nil {
		return "", fmt.Errorf("cannot resolve the address %s of node %s: %w; give an IP address by --hosts",
			address, node, err)
	}
	second := ""
	for _, a := range all {
		switch ip := net.ParseIP(a); {
		case ip == nil || ip.IsLoopback() || ip.IsLinkLocalUnicast():
		case ip.To4() != nil:
			return a, nil
		case second == "":
			second = a
		}
	}
	if second == "" {
		return "", fmt.Errorf("the address %s of node %s resolves to %s here, which other nodes cannot reach: "+
			"give an IP address by --hosts", address, node, strings.Join(all, ", "))
	}
	return second, nil
}
