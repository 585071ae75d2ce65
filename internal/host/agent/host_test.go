package agent_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"topobench/internal/host"
	"topobench/internal/host/agent"
	"topobench/internal/host/proc"
)

func TestAChildOverAConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _, _ := scripted()
		c, _ := connect(t, s)
		child := start(t, c, spec("decode-0", "linger", "3s"))
		if child.Process().PID != 1001 || !open(child.Done()) || !child.Exit().At.IsZero() {
			t.Errorf("a running child: %v, %v", child.Process(), child.Exit())
		}
		begin := time.Now()
		if err := child.Stop(context.Background()); err != nil {
			t.Fatal(err)
		}
		if open(child.Done()) || open(child.Gone()) {
			t.Error("Stop has returned, but the child is not done and gone")
		}
		if took := time.Since(begin); took != 3*time.Second || child.Exit().String() != "stopped with exit 0" {
			t.Errorf("%v after %v", child.Exit(), took)
		}
		if at := child.Exit().At.Sub(begin); at != 3*time.Second {
			t.Errorf("ended at %v", at)
		}
		dies := start(t, c, spec("decode-1", "print", "words"))
		<-dies.Done()
		<-dies.Gone()
		if exit := dies.Exit(); exit.Code != 3 || exit.Stopped {
			t.Errorf("%v", exit)
		}
	})
}

func TestTheEndOfAContextEndsTheGraceThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _, _ := scripted()
		c, _ := connect(t, s)
		child := start(t, c, spec("decode-0", "linger", "40s"))
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		begin := time.Now()
		if err := child.Stop(ctx); err != nil || time.Since(begin) != 2*time.Second {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
		if child.Exit().Signal != syscall.SIGKILL {
			t.Errorf("%v", child.Exit())
		}
		pause(time.Minute) // its goroutine
	})
}

func TestFilesAndCommandsOverAConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, h, _ := scripted()
		h.Pages = map[string]host.Page{"http://a/metrics": {Code: 200, Text: []byte("up\xff 1")}}
		c, _ := connect(t, s)
		ctx := context.Background()
		data := bytes.Repeat([]byte("é\xff\"\\<\x00\n"), 600_000) // more than one call
		data = append(data, "the end"...)
		if err := c.Put(ctx, host.File{Path: "/a", Data: data, Mode: 0o600}); err != nil {
			t.Fatal(err)
		}
		for _, row := range []struct{ from, limit, begin, end int64 }{
			{0, 1 << 40, 0, int64(len(data))}, {5, 10, 5, 15}, {0, 1 << 20, 0, 1 << 20}, {-7, 100, int64(len(data)) - 7, int64(len(data))},
		} {
			got, err := c.Get(ctx, "/a", row.from, row.limit)
			if err != nil || !bytes.Equal(got, data[row.begin:row.end]) {
				t.Errorf("get %d %d: %d bytes, %v", row.from, row.limit, len(got), err)
			}
		}
		if _, err := c.Get(ctx, "/a", -5<<20, 5<<20); err == nil {
			t.Error("the end of a growing file takes one call")
		}
		output, exit, err := c.Run(ctx, spec("version", "print", "1.2.3"))
		if string(output) != "1.2.3" || exit.Code != 3 || err != nil {
			t.Errorf("%q %v %v", output, exit, err)
		}
		found, err := c.Look(ctx, host.Question{Ports: []int{80}, Pages: []string{"http://a/metrics"}, Processes: true})
		if err != nil || found.Self.PID != 1 || string(found.Pages["http://a/metrics"].Text) != "up\xff 1" {
			t.Errorf("%+v, %v", found, err)
		}
	})
}

func TestAMachineOverAConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _, m := scripted()
		m.removed = host.Removed{Killed: 2, Shm: []string{"/dev/shm/a"}}
		m.left = []string{"process 5"}
		c, _ := connect(t, s)
		ctx := context.Background()
		release, err := c.Claim(ctx, []host.Resource{{Key: "port-1", Name: "port 1"}})
		if err != nil || !m.holds("port-1") {
			t.Fatal(err)
		}
		_, err = c.Claim(ctx, []host.Resource{{Key: "port-1", Name: "port 1"}})
		if taken, is := errors.AsType[*host.TakenError](err); !is || taken.Holder != " (process 4711)" {
			t.Errorf("%v", err)
		}
		if release(); m.holds("port-1") {
			t.Error("a released claim is held")
		}
		closeAll, err := c.Listen(ctx, []string{"10.0.0.6:80"})
		if err != nil {
			t.Fatal(err)
		}
		closeAll()
		faults, err := c.Dial(ctx, []string{"10.0.0.5:80"}, time.Second)
		if err != nil || faults["10.0.0.5:80"] != "no route within 1s" {
			t.Errorf("%v %v", faults, err)
		}
		if removed, err := c.Remove(ctx); err != nil || !reflect.DeepEqual(removed, m.removed) {
			t.Errorf("%v %v", removed, err)
		}
		if left, err := c.Left(ctx); err != nil || !slices.Equal(left, m.left) {
			t.Errorf("%v %v", left, err)
		}
		if answer, err := c.Inspect(ctx, []byte(`{"model":"<q>"}`)); err != nil || !strings.Contains(string(answer), "model") {
			t.Errorf("%s %v", answer, err)
		}
		if want := []string{"listen 10.0.0.6:80", "released 10.0.0.6:80", "remove", "left"}; !slices.Equal(m.events, want) {
			t.Errorf("%q", m.events)
		}
	})
}

// broken is a host whose calls return one error.
type broken struct {
	agent.Host
	err error
}

func (b broken) Start(host.Spec) (host.Handle, error)          { return nil, b.err }
func (b broken) Put(ctx context.Context, _ ...host.File) error { return b.err }

func TestErrorsCrossTheWire(t *testing.T) {
	errno := func(e syscall.Errno) error { return &os.PathError{Op: "open", Path: "/x", Err: e} }
	for name, row := range map[string]struct {
		err  error
		want error
	}{
		"not there":   {errno(syscall.ENOENT), fs.ErrNotExist},
		"forbidden":   {errno(syscall.EACCES), fs.ErrPermission},
		"disk full":   {errors.Join(errors.New("cannot write"), errno(syscall.ENOSPC)), syscall.ENOSPC},
		"quota":       {errno(syscall.EDQUOT), syscall.EDQUOT},
		"unsupported": {errors.ErrUnsupported, errors.ErrUnsupported},
		"ended":       {os.ErrProcessDone, os.ErrProcessDone},
		"not started": {&host.StartError{Name: "a", Argv: []string{"b"}, Err: errno(syscall.ENOEXEC)}, syscall.ENOEXEC},
		"a deadline":  {context.DeadlineExceeded, context.DeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, _, _ := scripted()
				s.Host = broken{err: row.err}
				c, _ := connect(t, s)
				err := c.Put(context.Background())
				if err == nil || err.Error() != row.err.Error() || !errors.Is(err, row.want) {
					t.Errorf("%v, want %v", err, row.err)
				}
				_, err = c.Start(spec("x", "linger"))
				started, is := errors.AsType[*host.StartError](err)
				if !is || !errors.Is(err, row.want) {
					t.Fatalf("%v is no start error", err)
				}
				if want, same := errors.AsType[*host.StartError](row.err); same && !reflect.DeepEqual(started.Argv, want.Argv) || same && err.Error() != want.Error() {
					t.Errorf("%v, want %v", err, want)
				}
			})
		})
	}
}

func TestTextThatTheWireWouldChangeIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _, _ := scripted()
		c, _ := connect(t, s)
		bad := spec("a", "print", "ok")
		bad.Env = []string{"SECRET=\xffhidden"}
		_, err := c.Start(bad)
		if err == nil || !strings.Contains(err.Error(), "SECRET") || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%v", err)
		}
	})
}

// fill sets every field below v to something that is not its zero value.
func fill(t *testing.T, v reflect.Value, path string, n *int) {
	*n++
	switch v.Kind() {
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Unix(int64(*n), 5).UTC()))
			return
		}
		for i := range v.NumField() {
			if !v.Field(i).CanSet() {
				t.Errorf("%s.%s cannot cross the wire", path, v.Type().Field(i).Name)
				continue
			}
			fill(t, v.Field(i), path+"."+v.Type().Field(i).Name, n)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(t, v.Index(0), path, n)
		fill(t, v.Index(1), path, n)
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(t, key, path, n)
		fill(t, value, path, n)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.String:
		v.SetString("text <" + path + ">")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64, reflect.Int32:
		v.SetInt(int64(*n))
	case reflect.Uint64, reflect.Uint32, reflect.Uint8, reflect.Uintptr:
		v.SetUint(uint64(*n % 200))
	case reflect.Float64:
		v.SetFloat(float64(*n) / 3)
	default:
		t.Errorf("%s: a %v cannot cross the wire", path, v.Kind())
	}
}

// seen is a host with one snapshot, which keeps the question and the spec that it got.
type seen struct {
	agent.Host
	snapshot host.Snapshot
	question *host.Question
	spec     *host.Spec
	exit     host.Exit
}

func (s seen) Look(_ context.Context, q host.Question) (host.Snapshot, error) {
	*s.question = q
	return s.snapshot, nil
}

func (s seen) Run(_ context.Context, spec host.Spec) ([]byte, host.Exit, error) {
	*s.spec = spec
	return []byte("output"), s.exit, errors.New("also an error")
}

// The types of a host may grow; every field has to cross.
func TestEveryFieldCrossesTheWire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		s, _, _ := scripted()
		there := seen{question: &host.Question{}, spec: &host.Spec{}}
		fill(t, reflect.ValueOf(&there.snapshot).Elem(), "Snapshot", &n)
		fill(t, reflect.ValueOf(&there.exit).Elem(), "Exit", &n)
		there.snapshot.GPUs.Devices[1].Slowed = []string{} // known to be none, which nil is not
		s.Host = there
		c, _ := connect(t, s)
		var question host.Question
		fill(t, reflect.ValueOf(&question).Elem(), "Question", &n)
		got, err := c.Look(context.Background(), question)
		if err != nil || !reflect.DeepEqual(got, there.snapshot) || !reflect.DeepEqual(*there.question, question) {
			t.Errorf("%v\n%+v\n%+v\n%+v\n%+v", err, got, there.snapshot, *there.question, question)
		}
		var what host.Spec
		fill(t, reflect.ValueOf(&what).Elem(), "Spec", &n)
		output, exit, err := c.Run(context.Background(), what)
		if string(output) != "output" || err == nil || !reflect.DeepEqual(*there.spec, what) {
			t.Errorf("%q %v %+v", output, err, *there.spec)
		}
		if exit.At = exit.At.UTC(); exit != there.exit {
			t.Errorf("%+v, want %+v", exit, there.exit)
		}
		if again := proc.Load(got.Loads[0]); !again.At.Equal(there.snapshot.Loads[0].At) {
			t.Error("the time of a load is compared on its own machine")
		}
	})
}
