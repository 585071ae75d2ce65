package agent

import (
	"fmt"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"

	"topobench/internal/host"
	"topobench/internal/host/proc"
)

// Names of the calls.
const (
	callStart   = "start"
	callStop    = "stop"
	callSignal  = "signal"
	callRun     = "run"
	callPut     = "put"
	callGet     = "get"
	callLook    = "look"
	callClaim   = "claim"
	callListen  = "listen"
	callRelease = "release"
	callDial    = "dial"
	callConnect = "connect"
	callRemove  = "remove"
	callLeft    = "left"
	callInspect = "inspect"
	callClock   = "clock"
	callGoodbye = "goodbye"
)

// getPiece bounds one get call in bytes.
const getPiece = 4 << 20

// none is the body of a call or an answer that has none.
type none struct{}

type getCall struct {
	Path        string
	From, Limit int64
}

type dialCall struct {
	Addresses []string
	Within    time.Duration
}

// idCall names the call that started a child or holds a claim.
type idCall struct{ ID uint64 }

type startAnswer struct{ Process, Shepherd proc.Proc }

// signalCall is for the child that a call started, and not for what that has started.
type signalCall struct {
	ID     uint64
	Signal syscall.Signal
}

type runAnswer struct {
	Output []byte
	Exit   host.Exit
}

// ending is the body of a done or gone frame. The fault of a gone frame names what cannot be killed.
type ending struct{ Exit host.Exit }

// lookAnswer has the reasons of slowed GPUs beside the snapshot, whose JSON for reports leaves them out.
type lookAnswer struct {
	Snapshot host.Snapshot
	Slowed   [][]string // by device
}

func lookAnswerOf(s host.Snapshot) lookAnswer {
	a := lookAnswer{Snapshot: s}
	for _, d := range s.GPUs.Devices {
		a.Slowed = append(a.Slowed, d.Slowed)
	}
	return a
}

func (a lookAnswer) snapshot() host.Snapshot {
	for i := range min(len(a.Slowed), len(a.Snapshot.GPUs.Devices)) {
		a.Snapshot.GPUs.Devices[i].Slowed = a.Slowed[i]
	}
	return a.Snapshot
}

// sendable reports text of a Spec that JSON would change. It shows no value of the environment.
func sendable(spec host.Spec) error {
	for _, word := range append([]string{spec.Name, spec.Dir, spec.Log}, spec.Argv...) {
		if !utf8.ValidString(word) {
			return fmt.Errorf("%q is not UTF-8", word)
		}
	}
	for _, assignment := range spec.Env {
		if name, _, _ := strings.Cut(assignment, "="); !utf8.ValidString(assignment) {
			return fmt.Errorf("the environment variable %q is not UTF-8", name)
		}
	}
	return nil
}
