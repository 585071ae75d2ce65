package main

import (
	"bytes"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"topobench/internal/testbed"
)

// forever is how long a child lives if no test stops it. It is bounded, so that a
// broken test leaves nothing behind for good.
const forever = 2 * time.Minute

// habits are the ways to misbehave. Each returns the exit code; a child that is
// about to wait prints "ready" first.
func habits() map[string]func(args []string) int {
	return map[string]func(args []string) int{
		"sleep":         sleeps,
		"exit":          exits,
		"stubborn":      stubborn,
		"grandchild":    grandchild,
		"escape":        escapes,
		"envless":       envless,
		"leader":        leader,
		"abandon":       abandons,
		"racer":         races,
		"stopped":       stopped,
		"no-newline":    noNewline,
		"flood":         floods,
		"zombies":       zombies,
		"crash":         crashes,
		"interrupted":   interrupted,
		"zombie-leader": zombieLeader,
		"healthy":       healthy,
		"titled":        titled,
		"maps":          mapper,
	}
}

// sleeps ends by any signal, as most programs do.
func sleeps([]string) int {
	fmt.Println("ready", os.Getpid())
	time.Sleep(forever)
	return 0
}

// exits: code, after a duration.
func exits(args []string) int {
	code, _ := strconv.Atoi(args[0])
	if len(args) > 1 {
		after, _ := time.ParseDuration(args[1])
		time.Sleep(after)
	}
	fmt.Println("exiting with", code)
	return code
}

// stubborn ignores every request to end.
func stubborn([]string) int {
	signal.Ignore(syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT)
	return sleeps(nil)
}

// grandchild lives on, beside a stubborn process that left by setsid and double fork.
func grandchild([]string) int {
	wait(spawn(nil, "escape"))
	return sleeps(nil)
}

// escapes starts a stubborn process in a session of its own and ends.
func escapes([]string) int {
	spawn(&syscall.SysProcAttr{Setsid: true}, "stubborn")
	return 0
}

// envless leaves a stubborn process without any environment, in its own session.
func envless([]string) int {
	pids := os.Getenv(testbed.PIDsKey)
	os.Clearenv()
	child := spawn(&syscall.SysProcAttr{Setsid: true}, "stubborn")
	record(pids, child.Pid) // it cannot do that itself
	return sleeps(nil)
}

// leader ends on SIGTERM; its child in the same group does not.
func leader([]string) int {
	spawn(nil, "stubborn")
	return sleeps(nil)
}

// abandons ends at once with code 0 and leaves a stubborn child in its group.
func abandons([]string) int {
	spawn(nil, "stubborn")
	return 0
}

// stopped is in state T, where no SIGTERM is heard.
func stopped([]string) int {
	fmt.Println("ready", os.Getpid())
	_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
	time.Sleep(forever)
	return 0
}

// noNewline prints as many bytes as args say, in one line without an end.
func noNewline(args []string) int {
	n, _ := strconv.Atoi(args[0])
	os.Stdout.Write(append(bytes.Repeat([]byte("x"), n), "end"...))
	return 0
}

// floods prints as many MiB as args say.
func floods(args []string) int {
	n, _ := strconv.Atoi(args[0])
	mib := bytes.Repeat([]byte("0123456789abcde\n"), 1<<16)
	for range n {
		os.Stdout.Write(mib)
	}
	return 0
}

// zombies starts as many children as args say, and never waits for them.
func zombies(args []string) int {
	n, _ := strconv.Atoi(args[0])
	for range n {
		spawn(nil, "exit", "0")
	}
	return sleeps(nil)
}

// crashes: by a signal that ends it.
func crashes(args []string) int {
	n, _ := strconv.Atoi(args[0])
	_ = syscall.Kill(os.Getpid(), syscall.Signal(n))
	time.Sleep(forever)
	return 0
}

// interrupted ends with code 3 on SIGINT, and so does its child in the same
// group; each prints it.
func interrupted(args []string) int {
	heard := make(chan os.Signal, 1)
	signal.Notify(heard, syscall.SIGINT)
	name := "child"
	if len(args) == 0 {
		name = "leader"
		spawn(nil, "interrupted", "as-child")
	}
	fmt.Println(name, "ready")
	<-heard
	fmt.Println(name, "interrupted")
	return 3
}

// childArgv is the command line of this binary as a child with a habit.
func childArgv(habit string, args ...string) []string {
	return append([]string{os.Args[0], testbed.ChildCommand, habit}, args...)
}

// spawn starts this binary again with another habit.
func spawn(attr *syscall.SysProcAttr, habit string, args ...string) *os.Process {
	p, err := os.StartProcess(os.Args[0], childArgv(habit, args...), &os.ProcAttr{
		Env: os.Environ(), Files: []*os.File{os.Stdin, os.Stdout, os.Stderr}, Sys: attr,
	})
	if err != nil {
		fmt.Println("cannot spawn:", err)
		os.Exit(2)
	}
	return p
}

func wait(p *os.Process) {
	if _, err := p.Wait(); err != nil {
		fmt.Println("cannot wait:", err)
	}
}
