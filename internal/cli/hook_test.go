package cli_test

import (
	"fmt"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"topobench/internal/run"
	"topobench/internal/testbed"
)

// held is how long a phase is held at most: only a broken test needs it.
const held = time.Minute

// at is what the tests' topobench does when a phase begins. wish is "WHAT PHASE N",
// for the Nth time that the phase is told of, or empty:
//
//	hold      says so in the file "held", until a signal came or the file "go" is there
//	hang      the same, and for good
//	panic     in the goroutine that conducts
//	overflow  a fault that no program can recover from
//	eio       the journal is on a disk that does not work any more
//	count     what this process has, in a line of the file "counts"; every time
func at(wish string) func(run.Phase) {
	var what, phase string
	var nth int64
	if n, _ := fmt.Sscan(wish, &what, &phase, &nth); n < 3 {
		return func(run.Phase) {}
	}
	var told atomic.Int64
	return func(p run.Phase) {
		if string(p) != phase || told.Add(1) != nth && what != "count" {
			return
		}
		switch what {
		case "hold":
			hold()
		case "hang":
			say("held")
			<-make(chan bool)
		case "panic":
			panic("a fault of a test in phase " + phase)
		case "overflow":
			overflow(nil)
		case "eio":
			breakJournal()
		case "count":
			count()
		}
	}
}

func hold() {
	heard := make(chan os.Signal, 1)
	wanted := []os.Signal{syscall.SIGINT, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		wanted = append(wanted, syscall.SIGHUP)
	}
	signal.Notify(heard, wanted...)
	defer signal.Stop(heard)
	say("held")
	testbed.Soon(held, func() bool {
		select {
		case <-heard:
			return true
		default:
			_, err := os.Stat("go")
			return err == nil
		}
	})
}

func say(file string) {
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		panic(err)
	}
}

// overflow fills the stack: the number it would count down to comes too late.
func overflow(before *int) int {
	n := 1
	if before != nil {
		n = *before + 1
	}
	if n < 0 {
		return n
	}
	return overflow(&n) + n
}
