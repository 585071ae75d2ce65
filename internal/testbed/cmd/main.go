// Command cmd is every program that a test starts beside topobench, in one binary: the name under which it is
// started chooses. It is built without the race detector, which makes a program start four times slower.
//
//	python3, vllm, nginx, etcd, nats-server, aiperf, nvidia-smi   fakes of what topobench drives
//	NAME child HABIT [ARGUMENT...]                                 a child that misbehaves, under any name
//	NAME shepherd ...                                              topobench's own shepherd, under any name
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"topobench/internal/host/shepherd"
	"topobench/internal/testbed"
)

func main() { os.Exit(run()) }

func run() int {
	if path, err := os.Executable(); err == nil {
		os.Args[0] = path // by which it can be started again and be recognised in /proc
	}
	args := os.Args[1:]
	if len(args) > 0 && args[0] == shepherd.Command {
		return shepherd.Main(args[1:])
	}
	record(os.Getenv(testbed.PIDsKey), os.Getpid())
	if len(args) > 1 && args[0] == testbed.ChildCommand {
		return behave(args[1:])
	}
	programs := map[string]func(args []string) int{
		"python3": python, "vllm": vllm, "aiperf": aiperf, "nginx": nginx,
		"etcd": etcd, "nats-server": nats, "nvidia-smi": nvidiaSMI,
	}
	name := filepath.Base(os.Args[0])
	program, known := programs[name]
	if !known {
		fmt.Fprintln(os.Stderr, "no such program:", name)
		return 2
	}
	return program(args)
}

// behave runs a child with a habit.
func behave(args []string) int {
	habit, known := habits()[args[0]]
	if !known {
		fmt.Println("no such habit:", args[0])
		return 2
	}
	return habit(args[1:])
}
