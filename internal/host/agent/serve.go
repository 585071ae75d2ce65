package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"topobench/internal/host"
)

// lostGrace is how long children have to end once the other side is gone.
const lostGrace = 5 * time.Second

// flushLimit bounds the wait until a client has its last messages.
const flushLimit = time.Second

// proofLimit bounds the removal and the proof of a goodbye.
const proofLimit = time.Minute

// serving is an agent at work.
type serving struct {
	Server
	*link
	life     context.Context // ends with the connection
	work     context.Context // ends also at a goodbye
	stopWork context.CancelFunc
	bye      chan struct{}  // closed when a goodbye is answered
	parted   atomic.Bool    // a goodbye is answered, or is about to be: the end of the connection is no loss
	starting sync.WaitGroup // calls that may start something

	mu       sync.Mutex
	ending   bool
	running  map[uint64]context.CancelFunc // calls
	children map[uint64]*served            // by the call that started them
	kept     map[uint64]func()             // releases
	streams  map[uint64]*stream            // tunnelled connections
}

// served is a child of the agent. Its ending is sent once reported is closed.
type served struct {
	host.Handle
	reported chan struct{}
}

// Serve answers the calls of a client until its goodbye, which is nil, or until the connection is lost, ctx ends, or
// the client is silent for a grace, which the error reports. Everything that it has started is stopped by then, with
// little grace unless it was a goodbye. The process must catch SIGPIPE. Claims are released last; Serve may leave
// a goroutine that reads in.
func Serve(ctx context.Context, s Server, in io.Reader, out io.Writer) error {
	hello, err := json.Marshal(s.Hello)
	if err != nil {
		return fmt.Errorf("cannot describe the agent: %w", err)
	}
	life, lose := context.WithCancelCause(ctx)
	defer lose(nil)
	work, stopWork := context.WithCancel(life)
	v := &serving{Server: s, link: newLink("topobench", s.Grace), life: life, work: work, stopWork: stopWork,
		bye:     make(chan struct{}),
		running: map[uint64]context.CancelFunc{}, children: map[uint64]*served{}, kept: map[uint64]func(){},
		streams: map[uint64]*stream{}}
	// The first line break ends a banner that has none.
	v.out.add(false, append(append([]byte("\n"), hello...), '\n'))
	go v.out.write(out, lose)
	go v.watch(life, lose)
	go v.read(newReader(in), lose)
	select {
	case <-v.bye:
	case <-life.Done():
	}
	return v.end()
}

// end stops everything. The error is why the agent ends, and names processes that it cannot kill.
func (v *serving) end() error {
	hurry, cancel := context.WithTimeout(context.Background(), lostGrace)
	defer cancel()
	if cause := context.Cause(v.life); cause != nil && !v.parted.Load() {
		_, _ = v.out.put(frame{Kind: kindEnding, Fault: faultOf(cause)}, false) // it has no body that could fail
	}
	err := v.stopAll(hurry)
	v.releaseAll()
	v.out.close()
	select {
	case <-v.out.done: // the client has the end of every child
	case <-time.After(flushLimit):
	}
	if v.parted.Load() {
		return nil
	}
	return errors.Join(fmt.Errorf("the agent ends: %w", context.Cause(v.life)), err)
}

// read dispatches what the client sends.
func (v *serving) read(r *reader, lose func(error)) {
	for {
		f, err := r.next(v.hear)
		switch {
		case errors.Is(err, io.EOF):
			lose(errors.New("its input has ended"))
			return
		case err != nil:
			lose(err)
			return
		case f.Kind == kindCancel:
			v.cancel(f.ID)
		case f.tunnelled():
			v.tunnel(f)
		case f.Kind != kindBeat:
			v.accept(f)
		}
	}
}

// accept makes a call in a goroutine of its own.
func (v *serving) accept(f frame) {
	parent, starts := v.work, f.Kind == callStart || f.Kind == callRun
	if f.Kind == callStop || f.Kind == callGoodbye {
		parent = context.Background() // only the client cuts their grace, or the end of the agent
	}
	ctx, cancel := context.WithCancel(parent)
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.ending || v.running[f.ID] != nil || v.children[f.ID] != nil || v.kept[f.ID] != nil {
		cancel()
		v.answer(f.ID, none{}, errors.New("the agent is ending, or it has a call of that number"))
		return
	}
	v.running[f.ID] = cancel
	if starts {
		v.starting.Add(1)
	}
	go func() {
		body, err := v.do(ctx, f)
		cancel()
		v.mu.Lock()
		delete(v.running, f.ID)
		child := v.children[f.ID]
		v.mu.Unlock()
		if v.life.Err() == nil { // else the client is lost, and it reports that
			if f.Kind == callGoodbye {
				v.parted.Store(true) // before the answer: the client closes the connection as soon as it has that
			}
			v.answer(f.ID, body, err)
		}
		if child != nil {
			go v.report(f.ID, child)
		}
		if starts {
			v.starting.Done()
		}
		if f.Kind == callGoodbye {
			close(v.bye)
		}
	}()
}

// answer sends the result of a call.
func (v *serving) answer(id uint64, body any, fault error) {
	encoded, err := json.Marshal(body)
	if err == nil {
		_, err = v.out.put(frame{ID: id, Kind: kindAnswer, Body: encoded, Fault: faultOf(fault)}, false)
	}
	if err != nil {
		_, _ = v.out.put(frame{ID: id, Kind: kindAnswer, Fault: faultOf(errors.Join(fault, err))}, false) // it is short
	}
}

// report sends the end of a child, and that of its tree.
func (v *serving) report(id uint64, child *served) {
	defer close(child.reported)
	send := func(kind string, fault error) {
		body, err := json.Marshal(ending{child.Exit()})
		_, _ = v.out.put(frame{ID: id, Kind: kind, Body: body, Fault: faultOf(errors.Join(fault, err))}, false) // short
	}
	select {
	case <-child.Done():
		send(kindDone, nil)
		<-child.Gone()
	case <-child.Gone(): // one that cannot be killed is never done
		if !child.Exit().At.IsZero() {
			send(kindDone, nil)
		}
	}
	// It waits for nothing by now, and returns what is left.
	send(kindGone, child.Stop(context.Background()))
}

// cancel cancels a call, or releases what it holds.
func (v *serving) cancel(id uint64) {
	v.mu.Lock()
	if cancel := v.running[id]; cancel != nil {
		cancel()
	}
	release := v.kept[id]
	delete(v.kept, id)
	v.mu.Unlock()
	if release != nil {
		release()
	}
}

// keep notes what releases a claim; it releases one whose call was cancelled at once.
func (v *serving) keep(ctx context.Context, id uint64, release func()) error {
	v.mu.Lock()
	late := ctx.Err() != nil || v.ending
	if !late {
		v.kept[id] = release
	}
	v.mu.Unlock()
	if late {
		release()
		return errors.Join(context.Cause(ctx), errors.New("the call was cancelled"))
	}
	return nil
}

func (v *serving) releaseAll() {
	v.mu.Lock()
	kept := slices.Collect(maps.Values(v.kept))
	clear(v.kept)
	v.mu.Unlock()
	for _, release := range kept {
		release()
	}
}

// stopAll refuses further calls, and stops all children at the same time; without grace once ctx ends.
func (v *serving) stopAll(ctx context.Context) error {
	v.mu.Lock()
	v.ending = true
	v.mu.Unlock()
	v.stopWork()
	v.starting.Wait()
	v.mu.Lock()
	children := slices.Collect(maps.Values(v.children))
	v.mu.Unlock()
	faults := make([]error, len(children))
	var all sync.WaitGroup
	for i, child := range children {
		all.Go(func() { faults[i] = v.halt(ctx, child) })
	}
	all.Wait()
	return errors.Join(faults...)
}

// halt stops a child. It returns once the child's ending is on its way to the client too.
func (v *serving) halt(ctx context.Context, child *served) error {
	err := child.Stop(ctx)
	select {
	case <-child.reported:
	case <-time.After(flushLimit):
	}
	return err
}
