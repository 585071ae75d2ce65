package main

import (
	"bytes"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"topobench/internal/testbed"
)

// forever is the life of a child that no test stops. It is bounded, so that a broken test
// leaves no process behind for good.
const forever = 2 * time.Minute

// habits are the ways to misbehave. Each returns the exit code. A child prints "ready" before
// it waits.
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

// sleeps ends on any signal, as most programs do.
func sleeps([]string) int {
	fmt.Println("ready", os.Getpid())
	time.Sleep(forever)
	return 0
}

// exits ends with a code, after a duration.
func exits(args []string) int {
	code, _ := strconv.Atoi(args[0])
	if len(args) > 1 {
		after, _ := time.ParseDuration(args[1])
		time.Sleep(after)
	}
	fmt.Println("exiting with", code)
	return code
}

// stubborn ignores every signal that it can ignore.
func stubborn([]string) int {
	signal.Ignore(syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT)
	return sleeps(nil)
}

// grandchild keeps running, beside a stubborn process that escaped by setsid and double fork.
func grandchild([]string) int {
	wait(spawn(nil, "escape"))
	return sleeps(nil)
}

// escapes starts a stubborn process in a session of its own and ends.
func escapes([]string) int {
	spawn(&syscall.SysProcAttr{Setsid: true}, "stubborn")
	return 0
}

// envless starts a stubborn process without any environment, in its own session.
func envless([]string) int {
	pids := os.Getenv(testbed.PIDsKey)
	os.Clearenv()
	child := spawn(&syscall.SysProcAttr{Setsid: true}, "stubborn")
	record(pids, child.Pid) // the child has no variable with the file
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

// stopped is in state T, in which a process handles no SIGTERM.
func stopped([]string) int {
	fmt.Println("ready", os.Getpid())
	_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
	time.Sleep(forever)
	return 0
}

// noNewline prints args[0] bytes in one line without a newline.
func noNewline(args []string) int {
	n, _ := strconv.Atoi(args[0])
	os.Stdout.Write(append(bytes.Repeat([]byte("x"), n), "end"...))
	return 0
}

// floods prints args[0] MiB.
func floods(args []string) int {
	n, _ := strconv.Atoi(args[0])
	mib := bytes.Repeat([]byte("0123456789abcde\n"), 1<<16)
	for range n {
		os.Stdout.Write(mib)
	}
	return 0
}

// zombies starts args[0] children, and never waits for them.
func zombies(args []string) int {
	n, _ := strconv.Atoi(args[0])
	for range n {
		spawn(nil, "exit", "0")
	}
	return sleeps(nil)
}

// crashes sends itself the signal args[0].
func crashes(args []string) int {
	n, _ := strconv.Atoi(args[0])
	_ = syscall.Kill(os.Getpid(), syscall.Signal(n))
	time.Sleep(forever)
	return 0
}

// interrupted ends with code 3 on SIGINT, and so does its child in the same group. Both print
// the signal.
func interrupted(args []string) int {
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, syscall.SIGINT)
	name := "child"
	if len(args) == 0 {
		name = "leader"
		spawn(nil, "interrupted", "as-child")
	}
	fmt.Println(name, "ready")
	<-caught
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

// raceScript is a chain of shells. Each forks the next one and ends, in less time than a walk
// through /proc takes. They ignore SIGTERM. The first argument is the number of links, and
// the last link prints that it survived.
const raceScript = `trap '' TERM
link() {
	if [ "$1" -gt 0 ]; then link $(($1 - 1)) & else echo "the race was won"; fi
}
link "$1"
sleep 60`

// races runs a chain of args[0] links, each of which takes less than a millisecond.
func races(args []string) int {
	fmt.Println("ready", os.Getpid())
	err := syscall.Exec("/bin/sh", []string{"sh", "-c", raceScript, "racer", args[0]}, os.Environ())
	fmt.Println("cannot race:", err)
	return 2
}

// Positions in /proc/PID/stat after the name, counted from 0.
const (
	fieldEnvStart = 47
	fieldEnvEnd   = 48
)

// titled erases its environment, as setproctitle and nginx do, and is then stubborn.
func titled([]string) int {
	stat, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		fmt.Println("cannot rewrite:", err)
		return 2
	}
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	start, _ := strconv.ParseInt(fields[fieldEnvStart], 10, 64)
	end, _ := strconv.ParseInt(fields[fieldEnvEnd], 10, 64)
	memory, err := os.OpenFile("/proc/self/mem", os.O_RDWR, 0)
	if err == nil {
		_, err = memory.WriteAt(make([]byte, end-start), start)
	}
	if err != nil {
		fmt.Println("cannot rewrite:", err)
		return 2
	}
	return stubborn(nil)
}

// mapper creates the files in args and maps them. It keeps no descriptor open, as programs
// with shared memory do.
func mapper(args []string) int {
	for _, path := range args {
		if err := mapFile(path); err != nil {
			fmt.Println("cannot map:", err)
			return 2
		}
	}
	fmt.Println("ready", os.Getpid())
	time.Sleep(forever)
	return 0
}

func mapFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Truncate(4096); err != nil {
		return err
	}
	_, err = syscall.Mmap(int(f.Fd()), 0, 4096, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	return err
}
