package proc

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// KillLimit bounds KillAll. SIGKILL takes effect in milliseconds; a process that is left
// after this time is stuck in the kernel, as in a wedged GPU driver.
const KillLimit = 30 * time.Second

// pause after a pass that killed: long enough for a process to die.
const pause = 5 * time.Millisecond

// Choose picks the processes to kill from a snapshot of the machine.
type Choose func(all []Proc) []Proc

// Kill sends SIGKILL once to every living process that choose picks from a fresh snapshot,
// and returns them. A process that ended meanwhile is no error.
func Kill(choose Choose) ([]Proc, error) {
	all, err := Snapshot()
	if err != nil {
		return nil, err
	}
	victims := Living(choose(all))
	var faults []error
	for _, p := range victims {
		if err := Signal(p, syscall.SIGKILL); err != nil && !errors.Is(err, os.ErrProcessDone) {
			faults = append(faults, err)
		}
	}
	return victims, errors.Join(faults...)
}

// KillAll kills the processes that choose picks, pass after pass, until two passes in a row
// find none: one pass may miss a process that was born meanwhile. It reaps the children of
// this process that it killed. After limit it gives up, with an error that names the rest.
// killed counts processes, not signals.
func KillAll(limit time.Duration, choose Choose) (killed int, err error) {
	deadline := time.Now().Add(limit)
	hit := map[Proc]bool{} // false once reaped: its pid may be another process's then
	for clean := 0; clean < 2; {
		victims, err := Kill(choose)
		if err == nil && len(victims) == 0 {
			clean++
			continue
		}
		if clean = 0; time.Now().After(deadline) {
			return len(hit), Left(victims, err)
		}
		for _, p := range victims {
			hit[Proc{PID: p.PID, Ticks: p.Ticks}] = true
		}
		time.Sleep(pause)
		reap(hit)
	}
	return len(hit), nil
}

// reap reaps those of the processes hit that were children of this one.
func reap(hit map[Proc]bool) {
	for p, waiting := range hit {
		if !waiting {
			continue
		}
		if _, reaped := Reap(p.PID); reaped {
			hit[p] = false
		}
	}
}

// Left is the error that names processes that could not be killed, joined with a cause; nil
// when there are neither.
func Left(left []Proc, cause error) error {
	var faults []error
	for _, p := range left {
		where := ""
		if function := Wchan(p.PID); function != "" {
			where = " (in the kernel's " + function + ")"
		}
		faults = append(faults,
			fmt.Errorf("cannot kill process %v: still in state %c%s after SIGKILL", p, p.State, where))
	}
	return errors.Join(append(faults, cause)...)
}
