package kube

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Each recorded failure of kubectl, with the line that a person needs and what to do.
func TestFailuresOfKubectlAreExplained(t *testing.T) {
	wanted := map[string]struct {
		kind FailureKind
		text string
	}{
		"absent":           {Absent, `jobs.batch "none" not found`},
		"certificate":      {Unreachable, "certificate signed by unknown authority: compare the certificate authority"},
		"config":           {NoContext, "kubectl has no configuration"},
		"context":          {NoContext, "nope: kubectl config get-contexts lists them"},
		"exists":           {Exists, `"twice" already exists: it is not of this run`},
		"exists-file":      {Exists, `"twice" already exists: it is not of this run`},
		"forbidden":        {Forbidden, `cannot list resource "pods"`},
		"forbidden-create": {Forbidden, `cannot create resource "configmaps"`},
		"invalid":          {Invalid, `spec.components[0].type: Unsupported value: "router"`},
		"kind":             {NoKind, `no matches for kind "DynamoGraphDeployment" in version "nvidia.com/v1alpha1": the cluster lacks`},
		"lookup":           {Unreachable, "no such host: the API server does not respond"},
		"namespace":        {NoNamespace, `namespaces "absent" not found: kubectl create namespace`},
		"plugin":           {Unauthorized, "no-such-plugin not found: the context gets its credentials from that program"},
		"quota":            {OverQuota, "exceeded quota: q"},
		"refused":          {Unreachable, "The connection to the server 127.0.0.1:16999 was refused"},
		"resource":         {NoKind, `doesn't have a resource type "nosuchthings"`},
		"terminating":      {Terminating, "being terminated: wait until the namespace is gone"},
		"unauthorized":     {Unauthorized, "the credentials of the context are not valid"},
	}
	files, err := filepath.Glob("testdata/kubectl/*.txt")
	if err != nil || len(files) != len(wanted) {
		t.Fatalf("%d recordings for %d rows: %v", len(files), len(wanted), err)
	}
	for _, path := range files {
		output, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(path), ".txt")
		failure, is := errors.AsType[*Failure](Explain(string(output), 1))
		if want := wanted[name]; !is || failure.Kind != want.kind || !strings.Contains(failure.Error(), want.text) || strings.ContainsAny(failure.Error(), "\n") {
			t.Errorf("%s: %q, %v", name, failure.Kind, failure)
		}
	}
	if got := Explain("", 137).Error(); got != "kubectl ended with code 137 and no message" {
		t.Error(got)
	}
	if got := Explain("first\nlast \x1b[31mwords\n", 1).Error(); !strings.HasPrefix(got, "last ") || strings.Contains(got, "\x1b") {
		t.Errorf("%q", got)
	}
}

func TestArgvOfKubectl(t *testing.T) {
	k := Kubectl{Program: "kubectl", Context: "lab", Namespace: "bench"}
	want := []string{"kubectl", "--context", "lab", "--namespace", "bench", "get", "dynamographdeployments,deployments,pods,events", "-o", "json"}
	if got := k.Snapshot(true); !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
	if got := (Kubectl{Program: "kubectl"}).Snapshot(false); !slices.Equal(got, []string{"kubectl", "get", "deployments,pods,events", "-o", "json"}) {
		t.Errorf("%v", got)
	}
}

// What kubectl prints of a connection to the pod of the load has a next step only where it is kubectl's own.
func TestFailuresOfAConnectionAreExplained(t *testing.T) {
	e := Exec{&Cluster{pod: "load-0"}}
	for output, want := range map[string]string{
		"error: cannot exec into a container in a completed pod; current phase is Succeeded": "raise that",
		`Error from server (NotFound): pods "load-0" not found`:                              "raise that",
		`Error from server (NotFound): pods "another" not found`:                             "",
		"Unable to connect to the server: dial tcp 10.0.0.1:6443: i/o timeout":               "kubectl cluster-info",
		"sh: base64: executable not found":                                                   "",
	} {
		switch err := e.Explain(output, 1); {
		case want == "" && err != nil, want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: %v", output, err)
		}
	}
}
