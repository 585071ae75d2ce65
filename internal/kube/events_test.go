package kube

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// eventsOf are events as kubectl prints them, the oldest first: UID, version, kind/name, type, reason, message.
func eventsOf(t *testing.T, rows ...[6]string) []eventObject {
	t.Helper()
	var items []string
	for _, r := range rows {
		kind, name, _ := strings.Cut(r[2], "/")
		items = append(items, `{"kind": "Event", "metadata": {"uid": "`+r[0]+`", "resourceVersion": "`+r[1]+`"}, "involvedObject": {"kind": "`+kind+`", "name": "`+name+
			`"}, "type": "`+r[3]+`", "reason": "`+r[4]+`", "message": "`+r[5]+`"}`)
	}
	return podsOf(t, strings.Join(items, ",")).events
}

// Events of a cell are warnings in the namespace and all events of pods of the run that are new, or came again; those of
// the run come first.
func TestEventsOfACell(t *testing.T) {
	s := &Stack{cluster: &Cluster{pod: "load-x"}, Pods: []Pod{{Name: "g-decode-x"}}}
	before := eventsOf(t, [6]string{"1", "10", "Pod/g-decode-x", "Warning", "Unhealthy", "Startup probe failed"},
		[6]string{"2", "11", "Pod/theirs", "Warning", "BackOff", "restarting"}, [6]string{"3", "12", "Pod/g-decode-x", "Normal", "Started", "Started container"})
	now := append(before[2:], eventsOf(t, [6]string{"1", "20", "Pod/g-decode-x", "Warning", "Unhealthy", "Readiness probe failed:\\nrefused"},
		[6]string{"2", "11", "Pod/theirs", "Warning", "BackOff", "restarting"}, [6]string{"4", "21", "Pod/theirs", "Normal", "Started", "Started container"},
		[6]string{"5", "22", "ReplicaSet/theirs", "Warning", "FailedCreate", "exceeded quota"}, [6]string{"6", "23", "Pod/g-decode-x", "Normal", "Killing", "Stopping"},
		[6]string{"7", "24", "Pod/load-x", "Normal", "Killing", "Stopping"}, [6]string{"8", "25", "Pod/g-decode-x", "Normal", "Killing", "Stopping"})...)
	want := []string{"pod/g-decode-x: Unhealthy: Readiness probe failed: refused", "pod/g-decode-x: Killing: Stopping", "pod/load-x: Killing: Stopping",
		"replicaset/theirs: FailedCreate: exceeded quota"}
	if diff := cmp.Diff(want, s.news(before, now)); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}
	if again := s.news(now, now); again != nil {
		t.Errorf("without anything new: %q", again)
	}
	long := s.news(nil, eventsOf(t, [6]string{"9", "1", "Pod/g-decode-x", "Warning", "Failed", strings.Repeat("é", 1000)}))
	if len(long) != 1 || len([]rune(long[0])) != longestEvent+3 {
		t.Errorf("%q", long)
	}
}
