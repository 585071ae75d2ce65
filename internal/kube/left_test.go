package kube

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"topobench/internal/text"
)

// leftIn are the objects of the run in a recording of a teardown.
func leftIn(t *testing.T, name string, uids ...string) []string {
	t.Helper()
	data, err := os.ReadFile("testdata/left/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	left, err := Left(data, ByHand, uids)
	if err != nil {
		t.Fatal(err)
	}
	return text.Each(left, Leftover.String)
}

// All that was made for a run is found by label and by owner, and nothing else.
func TestWhatIsLeftOfARun(t *testing.T) {
	up := leftIn(t, "up")
	kinds := map[string]int{}
	for _, line := range up {
		kind, _, _ := strings.Cut(line, "/")
		kinds[kind]++
		if strings.Contains(line, "other") || strings.Contains(line, "kube-root-ca") {
			t.Errorf("it counts %s", line)
		}
	}
	want := map[string]int{"job": 1, "dynamographdeployment": 1, "deployment": 3, "replicaset": 3, "service": 3, "pod": 7, "dynamoworkermetadata": 5}
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Errorf("%s\n%s", diff, strings.Join(up, "\n"))
	}
	if going := strings.Join(leftIn(t, "going"), "\n"); !strings.Contains(going, "is deleted and not gone yet") {
		t.Error(going)
	}
	if held := strings.Join(leftIn(t, "held"), "\n"); !strings.Contains(held, "job/topobench-by-hand is deleted and waits for example.com/hold") {
		t.Error(held)
	}
	if gone := leftIn(t, "gone"); len(gone) != 1 || !strings.HasPrefix(gone[0], "pod/topobench-by-hand-") {
		t.Errorf("after the Job: %v", gone)
	}
}

// An object without our label counts by its owner, also where that owner is gone.
func TestLeftoversAreFoundByTheirOwner(t *testing.T) {
	const list = `{"items": [
		{"kind": "Pod", "metadata": {"name": "p", "uid": "3", "ownerReferences": [{"uid": "2"}]}},
		{"kind": "ReplicaSet", "metadata": {"name": "r", "uid": "2", "ownerReferences": [{"uid": "1"}]}},
		{"kind": "Pod", "metadata": {"name": "theirs", "uid": "4", "ownerReferences": [{"uid": "9"}]}}]}`
	left, err := Left([]byte(list), "run", []string{"1"})
	if err != nil || len(left) != 2 || left[0].Name != "p" || left[1].Name != "r" {
		t.Errorf("%v, %v", left, err)
	}
	if left, err := Left([]byte(list), "run", nil); err != nil || len(left) != 0 {
		t.Errorf("without owners: %v, %v", left, err)
	}
	if _, err := Left([]byte("x"), "run", nil); err == nil {
		t.Error("it is no list")
	}
}

// The rights that are missing are listed at once; the reviews are recorded.
func TestMissingRights(t *testing.T) {
	topologies := []Topology{made(t, builtIn(t, "demo-disagg", demo()...)), made(t, builtIn(t, "demo-agg", demo()...))}
	for name, want := range map[string]string{
		"admin": "",
		"some":  "list events, watch events, create pods/exec, list replicasets.apps, patch jobs.batch, list dynamoworkermetadatas.nvidia.com",
	} {
		data, err := os.ReadFile("testdata/rights/" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		missing, known, err := Missing(data, Rights(topologies))
		if got := strings.Join(text.Each(missing, Right.String), ", "); got != want || !known || err != nil {
			t.Errorf("%s: %s, want %s; %v, %v", name, got, want, known, err)
		}
	}
	data, err := os.ReadFile("testdata/rights/nobody.json")
	if err != nil {
		t.Fatal(err)
	}
	if missing, _, err := Missing(data, Rights(topologies)); err != nil || len(missing) != len(Rights(topologies)) {
		t.Errorf("%d of %d are missing, %v", len(missing), len(Rights(topologies)), err)
	}
	half := strings.Replace(string(data), `"incomplete": false`, `"incomplete": true`, 1)
	if _, known, err := Missing([]byte(half), Rights(topologies)); known || err != nil {
		t.Errorf("an incomplete review is known: %v", err)
	}
	named := `{"status": {"resourceRules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "resourceNames": ["x"]}]}}`
	if missing, _, _ := Missing([]byte(named), []Right{{"get", "pods", ""}}); len(missing) != 1 {
		t.Error("a right for one name is none for ours")
	}
	if !strings.Contains(Review("bench"), `"namespace": "bench"`) {
		t.Error(Review("bench"))
	}
}
