package host_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"topobench/internal/host"
)

func pipeSpec(b bed, name, script string) host.Spec {
	s := b.spec(name, "")
	s.Argv, s.Grace = []string{"/bin/sh", "-c", script}, 0
	return s
}

func TestPipeHasStdinAndStdout(t *testing.T) {
	b := newBed(t)
	p, err := host.Starter{}.Pipe(pipeSpec(b, "echo", `echo note >&2; while read -r line; do echo "got $line"; done`))
	if err != nil {
		t.Fatal(err)
	}
	out := bufio.NewReader(p.Out)
	for _, word := range []string{"one", "two"} { // an answer comes before the end of the input
		if _, err := io.WriteString(p.In, word+"\n"); err != nil {
			t.Fatal(err)
		}
		if line, err := out.ReadString('\n'); err != nil || line != "got "+word+"\n" {
			t.Fatalf("%q, %v", line, err)
		}
	}
	left, err := host.Leftovers()
	if err != nil || len(left) > 0 {
		t.Errorf("a connection counts as left over: %v, %v", left, err)
	}
	if err := p.In.Close(); err != nil {
		t.Fatal(err)
	}
	if exit := b.done(p.Child); exit.Code != 0 {
		t.Errorf("after the end of its input: %v", exit)
	}
	if _, err := out.ReadString('\n'); err != io.EOF {
		t.Errorf("stdout after its end: %v", err)
	}
	b.stop(p.Child)
	if log := b.log("echo"); log != "note\n" {
		t.Errorf("the log has %q, want stderr only", log)
	}
}

// The child, its shepherd and this process each hold ends of the pipes: both pipes break when the child is killed.
func TestPipeBreaksWithTheChild(t *testing.T) {
	b := newBed(t)
	p, err := host.Starter{}.Pipe(pipeSpec(b, "cat", "exec sleep 60"))
	if err != nil {
		t.Fatal(err)
	}
	b.stop(p.Child)
	if _, err := p.Out.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("stdout: %v", err)
	}
	if _, err := p.In.Write([]byte("x")); err == nil {
		t.Error("stdin of a dead child takes input")
	}
}

func TestPipeOfNoProgram(t *testing.T) {
	b := newBed(t)
	spec := pipeSpec(b, "none", "")
	spec.Argv = []string{"topobench-has-no-such-program"}
	var start *host.StartError
	if _, err := (host.Starter{}).Pipe(spec); !errors.As(err, &start) {
		t.Errorf("%v, want a StartError", err)
	}
}

func TestExchange(t *testing.T) {
	b := newBed(t)
	big := strings.Repeat("0123456789abcdef", 1<<16) // more than a pipe holds
	for _, row := range []struct {
		name, script, in, out string
		code                  int
	}{
		{"counts", "wc -c", big, "1048576\n", 0},
		{"reads-nothing", "exit 7", big, "", 7},
		{"closes-stdout-early", "echo a; exec >&-; read -r x; exit 3", "line\n", "a\n", 3},
		{"no-input", "cat; echo end", "", "end\n", 0},
	} {
		var in io.Reader
		if row.in != "" {
			in = strings.NewReader(row.in)
		}
		out, exit, err := host.Starter{}.Exchange(t.Context(), pipeSpec(b, row.name, row.script), in)
		if string(out) != row.out || exit.Code != row.code || err != nil {
			t.Errorf("%s: %q, %v, %v", row.name, out, exit, err)
		}
	}
	b.nothingLives()
}

func TestExchangeEndsWithItsContext(t *testing.T) {
	b := newBed(t)
	why := errors.New("no more time")
	ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, why)
	defer cancel()
	begin := time.Now()
	_, _, err := host.Starter{}.Exchange(ctx, pipeSpec(b, "sleeps", "sleep 60"), nil)
	if !errors.Is(err, why) || time.Since(begin) > soon {
		t.Errorf("%v after %v", err, time.Since(begin))
	}
	b.nothingLives()
}

func TestTool(t *testing.T) {
	b := newBed(t)
	t.Setenv("TMPDIR", b.dir)
	out, messages, code, err := host.Tool(t.Context(), b.Env("A=b"), "/bin/sh", "-c", "echo $A; echo c >&2; exit 4")
	if out != "b\n" || messages != "c\n" || code != 4 || err != nil {
		t.Errorf("%q, %q, %d, %v", out, messages, code, err)
	}
	if left, err := os.ReadDir(b.dir); err != nil || len(left) > 0 {
		t.Errorf("left in the temporary directory: %v, %v", left, err)
	}
}
