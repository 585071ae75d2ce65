package proc

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// SweepLimit bounds a sweep. SIGKILL takes effect in milliseconds; what is
// there after this long is stuck in the kernel, as in a wedged GPU driver.
const KillLimit = 30 * time.Second

// pause after a pass that killed: long enough for a process to die.
const pause = 5 * time.Millisecond

// Choose picks from a snapshot of the machine the processes that are to go.
type Choose func(all []Proc) []Proc

// Kill sends SIGKILL once to every living process that choose picks from a fresh
// snapshot, and returns them. One that ended meanwhile is no error.
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

// Sweep kills what choose picks, pass after pass, until two passes in a row find
// nothing: one pass alone may miss what was born while it looked. It collects
// the children of this process that it killed. After limit it gives up with an
// error that names what is left. killed counts processes, not signals.
func KillAll(limit time.Duration, choose Choose) (killed int, err error) {
	deadline := time.Now().Add(limit)
	hit := map[Proc]bool{} // false once it was collected: its pid may belong to another then
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

// reap collects those of the processes hit that were children of this one.
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

// Left is the error that names processes which could not be ended, with the
// cause where one is known; nil when there are none and no cause.
func Left(left []Proc, cause error) error {
	var faults []error
	for _, p := range left {
		where := ""
		if function := Wchan(p.PID); function != "" {
			where = " (in the kernel's " + function + ")"
		}
		faults = append(faults, fmt.Errorf("cannot end process %v: still in state %c%s after SIGKILL", p, p.State, where))
	}
	return errors.Join(append(faults, cause)...)
}
