package agent_test

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"topobench/internal/host"
	"topobench/internal/host/agent"
	"topobench/internal/testbed"
)

func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "agent" {
		runAgent(os.Args[2])
		return
	}
	testbed.Main(m)
}

// runAgent is the process of an agent on this machine. It prints why it ended, and what is left then.
func runAgent(grace string) {
	limit, err := time.ParseDuration(grace)
	if err != nil {
		panic(err)
	}
	if err := host.SetSubreaper(); err != nil {
		panic(err)
	}
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer cancel()
	s := agent.Server{Host: host.Local{Starter: host.Starter{Exe: testbed.Program()}}, Machine: &machine{}, Grace: limit,
		Hello: agent.Hello{Protocol: agent.Version, PID: os.Getpid()}}
	err = agent.Serve(ctx, s, os.Stdin, os.Stdout)
	left, _ := host.Leftovers()
	fmt.Fprintf(os.Stderr, "ended: %v; left: %v\n", err, left)
}
