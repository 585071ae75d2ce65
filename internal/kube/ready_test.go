package kube

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// recorded is a snapshot that a real API server, scheduler and kubelet made. Fields that no reader needs are left out.
func recorded(t testing.TB, name string, oldNew ...string) Snapshot {
	t.Helper()
	data, err := os.ReadFile("testdata/recorded/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	for i := 0; i < len(oldNew); i += 2 {
		if !strings.Contains(text, oldNew[i]) {
			t.Fatalf("%s has no %q", name, oldNew[i])
		}
		text = strings.ReplaceAll(text, oldNew[i], oldNew[i+1])
	}
	s, err := ReadSnapshot([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// graphOf is the topology of the recordings.
func graphOf(prefill int) Topology {
	return Topology{Name: "g", Ready: []Wanted{{"dynamographdeployment", "g", "frontend", 1, 0}, {"dynamographdeployment", "g", "prefill", prefill, 0}}}
}

func TestReadyNeedsEveryCount(t *testing.T) {
	topology := graphOf(2)
	first := topology.Judge(recorded(t, "ready"), 0, nil)
	if !first.Ready() || len(first.Restarts) != 3 {
		t.Fatalf("%+v", first)
	}
	if again := topology.Judge(recorded(t, "ready"), 0, first.Restarts); !again.Ready() {
		t.Errorf("the same once more: %+v", again)
	}
	for _, c := range []struct {
		why      string
		oldNew   []string
		prefill  int
		want     string
		wantKind CauseKind
	}{
		{"a status of an earlier generation, with Ready true", []string{`"generation": 1, "labels": {"topobench/topology": "g"}`, `"generation": 2, "labels": {"topobench/topology": "g"}`}, 2, "generation 2 is not observed yet", ""},
		{"a component that the status lacks", []string{`"prefill": {"availableReplicas"`, `"other": {"availableReplicas"`}, 2, "its status lacks prefill", ""},
		{"fewer replicas than the profile has", nil, 3, "prefill: 2 of 3 replicas", ""},
		{"a count of earlier pods", []string{`"replicas": 2, "updatedReplicas": 2}`, `"replicas": 2, "updatedReplicas": 1}`}, 2, "prefill: 1 of 2 updated", ""},
		{"a condition that is false", []string{`"reason": "all_resources_are_ready", "status": "True"`, `"reason": "updating", "status": "False"`}, 2, "graph g is not ready: updating", ""},
		{"a pod that is being deleted", []string{`"ownerReferences": [{"apiVersion": "apps/v1"`, `"deletionTimestamp": "2026-11-30T15:30:00Z", "ownerReferences": [{"apiVersion": "apps/v1"`}, 2, "there are 0 pods, not 3", Moved},
		{"a restart", []string{`"restartCount": 0`, `"restartCount": 1`}, 2, "", Restarted},
		{"no graph", []string{"DynamoGraphDeployment", "Other"}, 2, "graph g is not there", ""},
	} {
		t.Run(c.why, func(t *testing.T) {
			got := graphOf(c.prefill).Judge(recorded(t, "ready", c.oldNew...), 0, first.Restarts)
			kinds := map[CauseKind]bool{"": len(got.Causes) == 0}
			for _, cause := range got.Causes {
				kinds[cause.Kind] = true
			}
			if got.Ready() || !strings.Contains(strings.Join(got.Waiting, "\n"), c.want) || !kinds[c.wantKind] {
				t.Errorf("%+v", got)
			}
		})
	}
}

// Each recorded failure has its cause, with what to do.
func TestCausesOfRecordedFailures(t *testing.T) {
	for name, want := range map[string]struct {
		kind   CauseKind
		text   string
		lasts  bool
		number int
	}{
		"gpus":   {Unschedulable, "Insufficient nvidia.com/gpu.: no node has as many free GPUs as a worker needs", false, 1},
		"taint":  {Unschedulable, "didn't match Pod's node affinity/selector.: compare kubernetes.node_selector", false, 2},
		"pull":   {ImagePull, "nvcr.io/nvidia/ai-dynamo/absent:9", false, 2},
		"crash":  {CrashLoop, "main ended with code 3", true, 2},
		"oom":    {OutOfMemory, "main used more memory than its limit", true, 2},
		"quota":  {Quota, "exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2: the namespace has no room", true, 1},
		"volume": {Volume, `persistentvolumeclaim "models" not found`, false, 2},
		"mount":  {Volume, `path "/no/such/models" does not exist: compare kubernetes.model_storage with the nodes`, false, 2},
		"secret": {Configuration, `secret "hf-token-secret" not found`, true, 2},
	} {
		t.Run(name, func(t *testing.T) {
			got := graphOf(2).Judge(recorded(t, name), 0, nil)
			if got.Ready() || len(got.Causes) != want.number {
				t.Fatalf("%d causes, want %d: %+v", len(got.Causes), want.number, got.Causes)
			}
			for _, c := range got.Causes {
				if c.Kind != want.kind || !strings.Contains(c.String(), want.text) || c.Lasting() != want.lasts || strings.Contains(c.String(), "\n") {
					t.Errorf("%s, %v: %s", c.Kind, c.Lasting(), c)
				}
			}
		})
	}
}

func TestCausesThatWereNotRecorded(t *testing.T) {
	for _, c := range []struct{ why, name, old, new, want string }{
		{"admission", "quota", "exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2", `violates PodSecurity \"restricted:latest\"`, "an admission rule of the cluster refuses the pod"},
		{"a taint", "gpus", "1 Insufficient nvidia.com/gpu", "1 node(s) had untolerated taint(s)", "add kubernetes.tolerations"},
		{"an eviction", "crash", `"phase": "Running"`, `"phase": "Failed", "reason": "Evicted", "message": "low on memory"`, "low on memory: the node lacks room"},
	} {
		causes := graphOf(2).Judge(recorded(t, c.name, c.old, c.new), 0, nil).Causes
		if len(causes) == 0 || !strings.HasSuffix(causes[0].String(), c.want) {
			t.Errorf("%s: %v", c.why, causes)
		}
	}
}

// Deployments of a wave are judged without those of a later one, and pods of others do not count.
func TestDeploymentsAreJudgedByWave(t *testing.T) {
	topology := Topology{Name: "other", Ready: []Wanted{{"deployment", "g-frontend", "", 1, 0}, {"deployment", "g-nginx", "", 1, 1}}}
	s := recorded(t, "ready")
	got := topology.Judge(s, 0, nil)
	if diff := cmp.Diff([]string{"there are 0 pods, not 1"}, got.Waiting); diff != "" {
		t.Error(diff)
	}
	got = topology.Judge(s, 1, nil)
	if diff := cmp.Diff([]string{"deployment g-nginx is not there", "there are 0 pods, not 2"}, got.Waiting); diff != "" {
		t.Error(diff)
	}
	late := recorded(t, "ready", `"generation": 1`, `"generation": 2`)
	if got = topology.Judge(late, 0, nil); !strings.Contains(strings.Join(got.Waiting, " "), "deployment g-frontend: generation 2 is not observed yet") {
		t.Error(got.Waiting)
	}
}

func TestSnapshotsThatAreNone(t *testing.T) {
	for _, text := range []string{"", "[]", `{"items": [1]}`, `{"items": [{"kind": "Pod", "status": 1}]}`} {
		_, err := ReadSnapshot([]byte(text))
		if err == nil || !strings.HasPrefix(err.Error(), "cannot read the output of kubectl") {
			t.Errorf("%q: %v", text, err)
		}
		if _, is := errors.AsType[*json.SyntaxError](err); text == "" && !is {
			t.Errorf("%q: the cause is lost: %v", text, err)
		}
	}
}

// FuzzSnapshot: no output panics.
func FuzzSnapshot(f *testing.F) {
	for _, name := range []string{"ready", "oom", "quota"} {
		data, err := os.ReadFile("testdata/recorded/" + name + ".json")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if s, err := ReadSnapshot(data); err == nil {
			for _, c := range graphOf(2).Judge(s, 0, map[string]int{"x": 1}).Causes {
				if strings.ContainsAny(c.String(), "\n\x1b") {
					t.Errorf("%q", c)
				}
			}
		}
	})
}
