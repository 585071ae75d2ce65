package cli_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"topobench/internal/host"
	"topobench/internal/host/agent"
	"topobench/internal/testbed"
)

// The program that ssh or srun starts ends with its connection, and with their signals: its services are gone, and so
// are its files.
func TestTheAgentEndsWithItsConnection(t *testing.T) {
	for _, row := range []struct {
		how string
		end func(process *os.Process, stdin, stdout io.Closer) error
	}{
		{"stdin ends", func(_ *os.Process, stdin, _ io.Closer) error { return stdin.Close() }},
		{"the other side is killed", func(_ *os.Process, stdin, stdout io.Closer) error { return errors.Join(stdout.Close(), stdin.Close()) }},
		{"SIGTERM", func(p *os.Process, _, _ io.Closer) error { return p.Signal(syscall.SIGTERM) }},
		{"SIGHUP", func(p *os.Process, _, _ io.Closer) error { return p.Signal(syscall.SIGHUP) }},
	} {
		t.Run(row.how, func(t *testing.T) {
			s := newWorkspace(t)
			program, err := exec.LookPath("topobench")
			if err != nil {
				t.Fatal(err)
			}
			command := exec.Command(program, "agent", "--run", fmt.Sprintf("t%d-node1", time.Now().UnixNano()))
			command.Env, command.Dir = append(os.Environ(), s.vars()...), s.dir
			command.Stderr = t.Output()
			stdin, err := command.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			stdout, err := command.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := command.Start(); err != nil {
				t.Fatal(err)
			}
			c, err := agent.Connect(t.Context(), "node1", 30*time.Second, agent.Conn{In: stdin, Out: stdout,
				End: func() error { return nil }})
			if err != nil {
				t.Fatal(err)
			}
			hello := c.Hello()
			log := filepath.Join(hello.Dir, "a.log")
			_, err = c.Start(host.Spec{Name: "a", Argv: testbed.Argv("grandchild"), Grace: time.Second, Log: log,
				Env: append(hello.Environ, "TOPOBENCH_RUN="+hello.Run)})
			if err != nil {
				t.Fatal(err)
			}
			testbed.Eventually(t, 10*time.Second, func() bool {
				text, err := c.Get(t.Context(), log, 0, 1000)
				return err == nil && strings.Contains(string(text), "ready")
			})
			if err := row.end(command.Process, stdin, stdout); err != nil {
				t.Fatal(err)
			}
			<-c.Context().Done()
			if err := command.Wait(); err == nil {
				t.Error("it exits with 0, without a goodbye")
			}
			if left := testbed.Carriers(s.mark); len(left) > 0 {
				t.Errorf("processes are left: %v", left)
			}
			if left, err := os.ReadDir(s.temp); err != nil || len(left) > 0 {
				t.Errorf("files are left: %v, %v", left, err)
			}
		})
	}
}
