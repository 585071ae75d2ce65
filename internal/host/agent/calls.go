package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"topobench/internal/host"
)

// do makes a call and returns the body of its answer.
func (v *serving) do(ctx context.Context, f frame) (any, error) {
	switch f.Kind {
	case callStart:
		return with(f, func(spec host.Spec) (any, error) { return v.start(f.ID, spec) })
	case callStop:
		return with(f, func(of idCall) (any, error) { return none{}, v.stop(ctx, of.ID) })
	case callSignal:
		return with(f, func(q signalCall) (any, error) { return none{}, v.interrupt(q) })
	case callRun:
		return with(f, func(spec host.Spec) (any, error) {
			output, exit, err := v.Host.Run(ctx, spec)
			return runAnswer{output, exit}, err
		})
	case callPut:
		return with(f, func(files []host.File) (any, error) { return none{}, v.Host.Put(ctx, files...) })
	case callGet:
		return with(f, func(q getCall) (any, error) {
			return v.Host.Get(ctx, q.Path, q.From, min(q.Limit, getPiece))
		})
	case callLook:
		return with(f, func(q host.Question) (any, error) {
			found, err := v.Host.Look(ctx, q)
			return lookAnswerOf(found), err
		})
	case callInspect:
		answer, err := v.Inspect(ctx, f.Body)
		return json.RawMessage(answer), err
	case callClock:
		return time.Now().UnixNano(), nil
	case callGoodbye:
		return v.goodbye(ctx)
	default:
		return v.doMachine(ctx, f)
	}
}

// doMachine makes a call of Machine.
func (v *serving) doMachine(ctx context.Context, f frame) (any, error) {
	switch f.Kind {
	case callClaim:
		return with(f, func(resources []host.Resource) (any, error) {
			release, err := v.Machine.Claim(ctx, resources)
			if err != nil {
				return none{}, err
			}
			return none{}, v.keep(ctx, f.ID, release)
		})
	case callListen:
		return with(f, func(addresses []string) (any, error) {
			release, err := v.Machine.Listen(ctx, addresses)
			if err != nil {
				return none{}, err
			}
			return none{}, v.keep(ctx, f.ID, release)
		})
	case callRelease:
		return with(f, func(of idCall) (any, error) {
			v.cancel(of.ID)
			return none{}, nil
		})
	case callDial:
		return with(f, func(q dialCall) (any, error) { return v.Machine.Dial(ctx, q.Addresses, q.Within) })
	case callConnect:
		return with(f, func(q connectCall) (any, error) { return v.connect(ctx, q) })
	case callRemove:
		return v.Machine.Remove(ctx)
	case callLeft:
		return v.Machine.Left(ctx)
	default:
		return none{}, fmt.Errorf("the agent has no call %q", f.Kind)
	}
}

// with decodes the body of a call.
func with[Q any](f frame, call func(Q) (any, error)) (any, error) {
	var q Q
	if err := json.Unmarshal(f.Body, &q); err != nil {
		return none{}, fmt.Errorf("cannot read a %s call: %w", f.Kind, err)
	}
	return call(q)
}

func (v *serving) start(id uint64, spec host.Spec) (any, error) {
	h, err := v.Host.Start(spec)
	if err != nil {
		return none{}, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.children[id] = &served{Handle: h, reported: make(chan struct{})}
	return startAnswer{h.Process(), shepherdOf(h)}, nil
}

func (v *serving) stop(ctx context.Context, id uint64) error {
	v.mu.Lock()
	child := v.children[id]
	v.mu.Unlock()
	if child == nil {
		return errors.New("the agent has no such child")
	}
	return v.halt(ctx, child)
}

// goodbye stops everything, removes, and returns a line for each thing that is left.
func (v *serving) goodbye(ctx context.Context) (left []string, err error) {
	stopped := v.stopAll(ctx)
	proof, cancel := context.WithTimeout(context.WithoutCancel(ctx), proofLimit)
	defer cancel()
	_, removed := v.Machine.Remove(proof)
	left, proved := v.Machine.Left(proof)
	for _, err := range []error{stopped, removed, proved} {
		if err != nil {
			left = append(left, err.Error())
		}
	}
	return left, nil
}
