package kube

import (
	"errors"
	"fmt"
	"regexp"

	"topobench/internal/text"
)

// Kubectl is the user's own kubectl: it has the contexts and the credentials.
type Kubectl struct {
	Program            string // a path, or a name on PATH
	Context, Namespace string // "" = kubectl's own
}

// Argv is a command line of kubectl.
func (k Kubectl) Argv(args ...string) []string {
	argv := []string{k.Program}
	if k.Context != "" {
		argv = append(argv, "--context", k.Context)
	}
	if k.Namespace != "" {
		argv = append(argv, "--namespace", k.Namespace)
	}
	return append(argv, args...)
}

// Snapshot is the command whose output ReadSnapshot reads. Without Dynamo's definitions the API server has no graphs.
func (k Kubectl) Snapshot(graphs bool) []string {
	return k.Argv("get", kindsWith(graphs), "-o", "json")
}

func kindsWith(graphs bool) string {
	if graphs {
		return SnapshotKinds
	}
	return snapshotKindsAlone
}

// FailureKind is why a command of kubectl failed.
type FailureKind string

// The kinds of failures; "" is one that is not known.
const (
	NoContext    FailureKind = "no context"
	Unreachable  FailureKind = "unreachable"
	Unauthorized FailureKind = "unauthorized"
	Forbidden    FailureKind = "forbidden"
	NoKind       FailureKind = "no such kind"
	NoNamespace  FailureKind = "no such namespace"
	Exists       FailureKind = "exists"
	Absent       FailureKind = "absent"
	OverQuota    FailureKind = "over quota"
	Terminating  FailureKind = "terminating"
	Invalid      FailureKind = "invalid"
)

// Failure is a command of kubectl that failed.
type Failure struct {
	Kind FailureKind
	Text string // kubectl's own line
	Next string
}

func (f *Failure) Error() string {
	if f.Next == "" {
		return f.Text
	}
	return f.Text + ": " + f.Next
}

// failures are the lines of kubectl by their kind; the first one that fits counts.
var failures = []struct { // constant
	line string // regular expression
	kind FailureKind
	next string
}{
	{`context was not found|^error: context ".*" does not exist`, NoContext,
		"kubectl config get-contexts lists them"},
	{`localhost:8080 was refused`, NoContext,
		"kubectl has no configuration: set KUBECONFIG, or the current context"},
	{`executable .* not found`, Unauthorized,
		"the context gets its credentials from that program: install it, or put it on PATH"},
	{`x509: `, Unreachable, "compare the certificate authority of the context with the cluster's"},
	{`was refused - did you specify|^Unable to connect to the server|etcdserver: |` +
		`^Error from server \((Timeout|ServiceUnavailable|InternalError)\)`, Unreachable,
		"the API server does not respond: kubectl cluster-info"},
	{`\(Unauthorized\)`, Unauthorized, "the credentials of the context are not valid"},
	{`exceeded quota`, OverQuota, "kubectl describe quota shows what is in use"},
	{`because it is being terminated`, Terminating,
		"wait until the namespace is gone, or use another"},
	{`is forbidden: User`, Forbidden, "an administrator of the cluster grants that right"},
	{`is forbidden`, Invalid, "an admission rule of the cluster refuses the object"},
	{`no matches for kind|doesn't have a resource type`, NoKind,
		"the cluster lacks Dynamo's operator, or has another version of it"},
	{`namespaces ".*" not found`, NoNamespace, "kubectl create namespace makes it"},
	{`already exists|\(AlreadyExists\)`, Exists,
		"it is not of this run, and stays as it is: delete it, or choose another name"},
	{`\(NotFound\)|not found$`, Absent, ""},
	{`is invalid: |\(BadRequest\)|error validating`, Invalid, ""},
}

// logged is a line of kubectl's own log, which repeats the error.
var logged = regexp.MustCompile(`^[EWIF]\d{4} \d\d:\d\d:\d\d`)

// Explain makes an error of what kubectl printed before it failed.
func Explain(output string, code int) error {
	lines := text.Lines([]byte(output))
	last := ""
	for _, line := range lines {
		if logged.MatchString(line) {
			continue
		}
		for _, f := range failures {
			if regexp.MustCompile(f.line).MatchString(line) {
				return &Failure{f.kind, text.OneLine(line), f.next}
			}
		}
		last = line
	}
	if last == "" {
		last = fmt.Sprintf("kubectl ended with code %d and no message", code)
	}
	return &Failure{Text: text.OneLine(last)}
}

// Taken reports that an object of another owner has a name of the run.
func Taken(err error) bool {
	failure, is := errors.AsType[*Failure](err)
	return is && failure.Kind == Exists
}
