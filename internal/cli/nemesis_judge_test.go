package cli_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"topobench/internal/testbed"
)

// find names processes of the workspace by their command lines.
func (s *workspace) find(victim string) (pids []int) {
	for _, p := range testbed.Carriers(s.mark) {
		words := cmdline(p.PID)
		is := map[string]bool{
			"topobench":    p.PID == s.running["it"].cmd.Process.Pid,
			allShepherds:   len(words) > 1 && words[1] == "shepherd",
			"a worker":     strings.Contains(strings.Join(words, " "), "-m dynamo.mocker"),
			"nginx":        p.Comm == "nginx",
			"etcd":         p.Comm == "etcd",
			"aiperf":       p.Comm == "aiperf" && len(words) > 1 && words[1] != "child",
			"a grandchild": len(words) > 1 && words[1] == "child",
		}
		is["a shepherd"] = is[allShepherds]
		is[everything] = is[allShepherds] || is["topobench"]
		is["a worker"] = is["a worker"] && !is[allShepherds]
		if is[victim] {
			pids = append(pids, p.PID)
		}
	}
	return pids
}

func cmdline(pid int) []string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		return nil // it ended
	}
	return strings.Split(string(bytes.TrimRight(text, "\x00")), "\x00")
}

// survivors are the living processes with the workspace's mark, those that wrote
// themselves into the file of pids, and those that have a file of the workspace open for
// writing.
func (s *workspace) survivors(pids string) (lines []string) {
	for _, p := range testbed.Carriers(s.mark) {
		lines = append(lines, "with the mark: "+p.String())
	}
	for _, p := range testbed.Recorded(pids) {
		lines = append(lines, "in the file of pids: "+p.String())
	}
	fds, _ := filepath.Glob("/proc/[0-9]*/fd/*") // the pattern is well formed
	for _, fd := range fds {
		target, err := os.Readlink(fd)
		if err != nil || !strings.HasPrefix(target, s.dir+"/") {
			continue
		}
		pid := strings.Split(fd, "/")[2]
		if pid != strconv.Itoa(os.Getpid()) && writes(fd) {
			lines = append(lines, "with an open file: pid "+pid+", "+target)
		}
	}
	return lines
}

// writes says that a descriptor, as /proc/PID/fd/N, is not one to read from only.
func writes(fd string) bool {
	text, err := os.ReadFile(strings.Replace(fd, "/fd/", "/fdinfo/", 1))
	if err != nil {
		return false // closed
	}
	_, rest, _ := strings.Cut(string(text), "flags:")
	flags, err := strconv.ParseUint(strings.Fields(rest + " 0")[0], 8, 64)
	return err == nil && flags&syscall.O_ACCMODE != syscall.O_RDONLY
}

// foreign is a process that looks like one of the run's, and is none.
type foreign struct {
	why   string
	cmd   *exec.Cmd
	ended chan struct{}
}

// foreignProcesses live until the test ends: with the programs, names and arguments of
// what a run starts, or looking at its files.
func foreignProcesses(t *testing.T, s *workspace) []foreign {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(s.dir, "it.err")
	if logs := s.glob("root/.topobench/*/topologies/*/logs/*.log"); len(logs) > 0 {
		log = filepath.Join(s.dir, logs[0])
	}
	all := []foreign{
		{why: "the same program", cmd: exec.Command(python, "child", "sleep", "-m", "dynamo.mocker")},
		{why: "the same name", cmd: &exec.Cmd{Path: "/bin/sleep", Args: []string{"topobench", "300"}}},
		{why: "a reader of a log, with the run's directory as its own", cmd: exec.Command("tail", "-f", log)},
	}
	all[2].cmd.Dir = filepath.Dir(log)
	for i := range all {
		o := &all[i]
		o.ended, o.cmd.Env = make(chan struct{}), []string{"PATH=" + os.Getenv("PATH"), "GORACE=atexit_sleep_ms=0"}
		if err := o.cmd.Start(); err != nil {
			t.Fatal(err)
		}
		go func() {
			defer close(o.ended)
			_ = o.cmd.Wait() // untouched looks at its state
		}()
		t.Cleanup(func() {
			_ = o.cmd.Process.Kill() // it may have ended
			<-o.ended
		})
	}
	return all
}

// untouched fails the test unless the foreign process lives and was not stopped.
func (o foreign) untouched(t *testing.T) {
	t.Helper()
	select {
	case <-o.ended:
		t.Errorf("a foreign process was ended: %s: %v", o.why, o.cmd.ProcessState)
	case <-time.After(0):
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", o.cmd.Process.Pid))
		if err != nil || bytes.Contains(stat, []byte(") T ")) {
			t.Errorf("a foreign process was stopped: %s: %s, %v", o.why, stat, err)
		}
	}
}
