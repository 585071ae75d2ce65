package run

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"topobench/internal/host/proc"
	"topobench/internal/testbed"
)

// One check finds the escaped processes of a run, by each kind of evidence, and kills them.
func TestProcessCheckFindsAndKillsWhatEscaped(t *testing.T) {
	c, _ := newRunner(t, Options{})
	log, err := os.Create(filepath.Join(c.Dir.Path(), "escaped.log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	check := c.processCheck()
	for _, row := range []struct {
		evidence, service string
		attr              os.ProcAttr
	}{
		{"cookie", "", os.ProcAttr{Env: []string{"TOPOBENCH_RUN=" + c.Dir.ID()}}},
		{"open files", "", os.ProcAttr{Env: []string{}, Files: []*os.File{nil, log}}},
		{"ledger", "decode-0", os.ProcAttr{Env: []string{}}},
	} {
		stray, err := os.StartProcess("/bin/sleep", []string{"sleep", "60"}, &row.attr)
		if err != nil {
			t.Fatal(err)
		}
		var self proc.Proc
		testbed.Eventually(t, 10*time.Second, func() bool {
			self, err = proc.Read(stray.Pid)
			return err == nil && self.Comm == "sleep"
		})
		if row.service != "" {
			c.here.ledger.RecordChild(row.service, self)
		}
		left, err := check.Check(t.Context())
		if err != nil || len(left) != 1 || !left[0].Process.Same(self) || left[0].Detail != row.evidence || left[0].Service != row.service {
			t.Errorf("%s: found %v, %v", row.evidence, left, err)
		}
		if err := check.Remove(); err != nil {
			t.Error(err)
		}
		if now, err := proc.Read(stray.Pid); err == nil && now.Same(self) && now.Alive() {
			t.Errorf("%s: %v is alive", row.evidence, now)
		}
		_, _ = stray.Wait() // Remove may have reaped it
		if left, err := check.Check(t.Context()); err != nil || len(left) > 0 {
			t.Errorf("%s: after the kill %v, %v", row.evidence, left, err)
		}
	}
}
