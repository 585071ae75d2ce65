package kube

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// agentFile has the pid of the agent in the pod of the load.
const agentFile = "/tmp/topobench-agent.pid"

// Supervisor is the command of the container of the load. It ends once no agent has run for a grace: then Kubernetes
// deletes the Job, and all that it owns.
func Supervisor(grace time.Duration) []string {
	return []string{"sh", "-c", fmt.Sprintf(`n=0; while [ $n -lt %d ]; do sleep 1; n=$((n + 1)); `+
		`p=$(cat %s 2>/dev/null) && [ -n "$p" ] && [ -d "/proc/$p" ] && n=0; done; exit 0`,
		int(grace/time.Second), agentFile)}
}

// Exec reaches the pod of the load; an agent.Transport.
type Exec struct{ Cluster *Cluster }

func (e Exec) String() string { return "kubectl exec " + e.Cluster.pod }

// Argv is the command line of kubectl. The shell in the pod becomes the agent, or the program that copies it.
func (e Exec) Argv(command string) []string {
	return e.Cluster.Argv("exec", "-i", e.Cluster.pod, "-c", LoadContainer, "--", "sh", "-c",
		"echo $$ >"+agentFile+"; "+command)
}

// Explain is what kubectl's messages mean; nil = unknown.
func (e Exec) Explain(output string, code int) error {
	gone := fmt.Sprintf("pods %q not found", e.Cluster.pod)
	if strings.Contains(output, "in a completed pod") || strings.Contains(output, gone) {
		return &Failure{Absent, "the pod of the load has ended",
			"it ends after --orphan-grace without its client: raise that"}
	}
	failure, is := errors.AsType[*Failure](Explain(output, code))
	if is && slices.Contains([]FailureKind{Unreachable, Forbidden, Unauthorized}, failure.Kind) &&
		!strings.Contains(failure.Text, "executable") { // that may be a message of the agent
		return failure
	}
	return nil
}

// Abort does nothing: the kubelet closes the agent's input with the connection.
func (e Exec) Abort(context.Context) error { return nil }
