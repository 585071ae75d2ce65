package kube

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"topobench/internal/testbed"
)

// commanded is a cluster whose kubectl is a shell script, with the file of its calls.
func commanded(t *testing.T, script string) (c *Cluster, calls string) {
	t.Helper()
	dir := t.TempDir()
	calls, program := filepath.Join(dir, "calls"), filepath.Join(dir, "kubectl")
	text := "#!/bin/sh\necho \"$@\" >>" + calls + "\n" + script
	if err := os.WriteFile(program, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	return &Cluster{Kubectl: Kubectl{Program: program}, Run: "r", Grace: time.Second, job: Object{Kind: "Job", Name: "j"}}, calls
}

// deadlines are those that kubectl has set.
func deadlines(calls string) (all []int) {
	text, _ := os.ReadFile(calls) // there is none before the first call
	for _, found := range regexp.MustCompile(`patch job j .*activeDeadlineSeconds": (\d+)`).FindAllStringSubmatch(string(text), -1) {
		n, _ := strconv.Atoi(found[1])
		all = append(all, n)
	}
	return all
}

// The deadline of the Job moves on, a grace ahead, and after stop no more.
func TestTheDeadlineMovesOnUntilStop(t *testing.T) {
	c, calls := commanded(t, "sleep 0.2; echo \"$@\" >>$0.done")
	stop := c.renew(t.Context(), time.Now().Add(-10*time.Second), func(err error) { t.Error(err) })
	for deadline := time.Now().Add(20 * time.Second); len(deadlines(calls)) < 3; {
		if time.Now().After(deadline) {
			t.Fatal("the deadline was not moved three times")
		}
		<-time.After(10 * time.Millisecond)
	}
	stop()
	all := deadlines(calls)
	if done := deadlines(c.Program + ".done"); len(done) != len(all) {
		t.Errorf("stop did not wait for the last one: %v of %v", done, all)
	}
	if first, last := all[0], all[len(all)-1]; first < 11 || last < first {
		t.Errorf("the deadlines are %v s, of a Job of 10 s with a grace of 1 s", all)
	}
	<-time.After(c.Grace / renewals * 2)
	if later := deadlines(calls); len(later) != len(all) {
		t.Errorf("it was moved after stop: %v", later)
	}
}

// A Job that is gone ends the wait for its pod; an API server that does not respond does not.
func TestAJobThatIsGoneIsNoticed(t *testing.T) {
	for script, lost := range map[string]bool{
		`echo 'Error from server (NotFound): jobs.batch "j" not found' >&2; exit 1`:                                true,
		`echo 'Unable to connect to the server: dial tcp 127.0.0.1:6443: connect: connection refused' >&2; exit 1`: false,
	} {
		c, calls := commanded(t, script)
		ctx, gone := context.WithCancelCause(t.Context())
		stop := c.renew(ctx, time.Now(), gone)
		for len(deadlines(calls)) < 2 && ctx.Err() == nil {
			<-time.After(10 * time.Millisecond)
		}
		stop()
		if (ctx.Err() != nil) != lost || lost && !strings.Contains(context.Cause(ctx).Error(), "job/j is gone") {
			t.Errorf("%s: %v", script, context.Cause(ctx))
		}
		gone(nil)
	}
}

// The objects of a wave are created by one command, and all their UIDs are known.
func TestAWaveIsCreatedByOneCommand(t *testing.T) {
	c, calls := commanded(t, `cat >>`+"$0.input"+`
echo '{"kind": "Service", "metadata": {"name": "a", "uid": "1"}}'; echo '{"kind": "Deployment", "metadata": {"name": "a", "uid": "2"}}'`)
	c.owner = "owner-uid"
	if err := c.create(t.Context(), []Object{{"Service", "a", "uid: " + Owner + "\n"}, {"Deployment", "a", "uid: " + Owner + "\n"}}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(calls)
	input, unread := os.ReadFile(c.Program + ".input")
	if err != nil || unread != nil || strings.Count(string(text), "\n") != 1 || string(input) != "---\nuid: owner-uid\n---\nuid: owner-uid\n" {
		t.Errorf("%v, %v: %s%s", err, unread, text, input)
	}
	if strings.Join(c.uids, " ") != "1 2" {
		t.Errorf("the UIDs are %v", c.uids)
	}
}

// A name that is taken is known also where it was free before.
func TestANameThatIsTakenMeanwhile(t *testing.T) {
	c, _ := commanded(t, `echo 'Error from server (AlreadyExists): error when creating "STDIN": services "a" already exists' >&2; exit 1`)
	err := c.create(t.Context(), []Object{{"Service", "a", ""}, {"Deployment", "a", ""}})
	if !Taken(err) || !strings.Contains(err.Error(), `cannot create service/a, deployment/a: `) {
		t.Error(err)
	}
}

// A deletion is proved by two looks, not by one for each part of a second: a command watches the pods. Those that never
// were ready get no grace.
func TestADeletionWatchesPods(t *testing.T) {
	for ready, deletes := range map[bool]string{true: "deployment -l topobench/run=r,topobench/topology=a\n",
		false: "deployment,pods -l topobench/run=r,topobench/topology=a --grace-period=1\n"} {
		c, calls := commanded(t, `case "$*" in
wait*) touch $0.gone ;;
get*) [ -e $0.gone ] && echo '{"items": []}' ||
	echo '{"items": [{"kind": "Pod", "metadata": {"name": "p", "uid": "9", "labels": {"topobench/run": "r"}}}]}' ;;
esac`)
		s := &Stack{Topology: Topology{Name: "a", Waves: [][]Object{{{"Deployment", "a", ""}}}}, cluster: c, ready: ready,
			cancel: func(error) {}, unwatch: func() {}}
		left := s.Down(t.Context())
		text, _ := os.ReadFile(calls)
		if len(left) > 0 || strings.Count(string(text), "get ") != 2 ||
			strings.Count(string(text), "wait --for=delete --timeout=20s pod/p\n") != 1 ||
			!strings.Contains(string(text), "delete --ignore-not-found --wait=false "+deletes) {
			t.Errorf("ready %v: %v:\n%s", ready, left, text)
		}
	}
}

// Where kubectl watches the pods already, no other command does.
func TestADeletionTakesTheWatchOfItsLaunch(t *testing.T) {
	c, calls := commanded(t, `case "$*" in
get*) [ -e $0.gone ] && echo '{"items": []}' ||
	echo '{"items": [{"kind": "Pod", "metadata": {"name": "p", "uid": "9", "labels": {"topobench/run": "r"}}}]}' ;;
esac`)
	w := c.newWatch()
	pod := podObject{Metadata: metadata{Name: "p", UID: "9"}}
	w.begin([]podObject{pod, {Metadata: metadata{Name: "of the load", UID: "1"}}})
	s := &Stack{Topology: Topology{Name: "a", Waves: [][]Object{{{"Deployment", "a", ""}}}}, cluster: c, ready: true, pods: w,
		cancel: func(error) {}, unwatch: func() {}}
	left := make(chan []string)
	go func() { left <- s.Down(t.Context()) }()
	testbed.Eventually(t, 10*time.Second, func() bool {
		text, _ := os.ReadFile(calls)
		return strings.Contains(string(text), "get ") && strings.Contains(string(text), "delete ")
	})
	select {
	case <-left:
		t.Error("it does not wait for the pod")
	case <-time.After(400 * time.Millisecond): // more than goneEvery: the looks below are not two without the wait
	}
	if err := os.WriteFile(c.Program+".gone", nil, 0o600); err != nil {
		t.Error(err)
	}
	w.fold(change{"DELETED", pod})
	if left := <-left; len(left) > 0 {
		t.Error(left)
	}
	if text, _ := os.ReadFile(calls); strings.Contains(string(text), "wait ") || strings.Count(string(text), "get ") != 2 {
		t.Errorf("%s", text)
	}
}
