// Command cmd is every program that a test starts beside topobench, in one binary; its name selects the program.
// It is built without the race detector, which makes a program start four times slower.
//
//	python3, vllm, nginx, etcd, nats-server, aiperf, nvidia-smi   fakes of the programs that topobench drives
//	openai-server                                                  a server that is none of the known engines
//	NAME child HABIT [ARGUMENT...]                                 a child that misbehaves, under any name
//	NAME shepherd ...                                              topobench's own shepherd, under any name
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"topobench/internal/host/shepherd"
	"topobench/internal/testbed"
)

func main() { os.Exit(run()) }

func run() int {
	if path, err := os.Executable(); err == nil {
		os.Args[0] = path // for spawn, and for readers of /proc
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
		"etcd": etcd, "nats-server": nats, "openai-server": openAIServer, "nvidia-smi": nvidiaSMI,
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

// record appends a process to the file of pids, if there is one.
func record(file string, pid int) {
	ticks := testbed.Ticks(pid)
	if file == "" || ticks == "" {
		return
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err == nil {
		_, err = fmt.Fprintln(f, pid, ticks) // one write: lines do not mix
		_ = f.Close()
	}
	if err != nil {
		fmt.Println("cannot record a process:", err)
	}
}

// startChildren starts the children in ChildrenKey.
func startChildren() {
	for _, child := range strings.Fields(os.Getenv(testbed.ChildrenKey)) {
		habit, arg, given := strings.Cut(child, ":")
		var args []string
		if given {
			args = []string{arg}
		}
		spawn(&syscall.SysProcAttr{}, habit, args...)
	}
}
