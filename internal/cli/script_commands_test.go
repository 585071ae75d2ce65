package cli_test

import (
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"

	"topobench/internal/testbed"
)

// patience with what a script waits for; only a broken program needs it.
const patience = time.Minute

// exits CODE program arguments...: the program ends with that exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) < 2, "exits CODE program [arguments...]")
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	if exit, ok := err.(*exec.ExitError); ok {
		code = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	expect(ts, args[0], code)
}

// start NAME program arguments...: the program runs until "ends", its output in
// NAME.out and NAME.err.
func start(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) < 2, "start NAME program [arguments...]")
	_, err := workspaceOf(ts).launch(args[0], environ(ts), args[1:]...)
	ts.Check(err)
}

// environ is the environment of the script, of which testscript tells single variables.
func environ(ts *testscript.TestScript) []string {
	var env []string
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "LC_FAKE_AIPERF", "LC_FAKE_FRONTEND", "LC_FAKE_WORKER", "LC_FAKE_NGINX",
		"LC_FAKE_NVIDIA_SMI", "LC_AT"} {
		env = append(env, name+"="+ts.Getenv(name))
	}
	return env
}

// signal SIGNAL NAME: to a program that was started.
func send(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) != 2, "signal SIGNAL NAME")
	ts.Check(background(ts, args[1]).cmd.Process.Signal(unix.SignalNum("SIG" + args[0])))
}

// ends CODE NAME: the program that was started ends with that exit code; one that
// a signal ended has -1. Its output can then be matched.
func ends(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) != 2, "ends CODE NAME")
	background(ts, args[1])
	code, err := workspaceOf(ts).code(args[1])
	ts.Check(err)
	_, err = io.WriteString(ts.Stdout(), ts.ReadFile(args[1]+".out"))
	ts.Check(err)
	_, err = io.WriteString(ts.Stderr(), ts.ReadFile(args[1]+".err"))
	ts.Check(err)
	expect(ts, args[0], code)
}

// waitfor GLOB PATTERN: a file has a match.
func waitFor(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) != 2, "waitfor GLOB PATTERN")
	pattern, err := regexp.Compile("(?m)" + args[1])
	ts.Check(err)
	if !testbed.Soon(patience, func() bool {
		paths, err := filepath.Glob(ts.MkAbs(args[0]))
		ts.Check(err)
		for _, path := range paths {
			if text, err := os.ReadFile(path); err == nil && pattern.Match(text) {
				return true
			}
		}
		return false
	}) {
		ts.Fatalf("no match for %q in %s within %s", args[1], args[0], patience)
	}
}

// alive N PROGRAM: so many processes of the script run that program.
func alive(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) != 2, "alive N PROGRAM")
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if !testbed.Soon(patience, func() bool {
		got = 0
		for _, p := range testbed.Carriers(workspaceOf(ts).mark) {
			if p.Comm == args[1] {
				got++
			}
		}
		return got == want
	}) {
		ts.Fatalf("%d processes are %s, not %d", got, args[1], want)
	}
}

// kill-all: SIGKILL for topobench and all its shepherds at once, which leaves everything else.
func killAll(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) > 0, "kill-all")
	ts.Check(workspaceOf(ts).killAll())
}

// audit LIMIT: within it, no process of the script is left.
func audit(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) != 1, "audit LIMIT")
	limit, err := time.ParseDuration(args[0])
	ts.Check(err)
	if left := workspaceOf(ts).left(limit); left != "" {
		ts.Fatalf("left behind after %s:\n%s", limit, left)
	}
}

// listen PORT: the test itself has that port until the script ends.
func listen(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) != 1, "listen PORT")
	l, err := net.Listen("tcp", "127.0.0.1:"+args[0])
	ts.Check(err)
	ts.Defer(func() { ts.Check(l.Close()) })
}

// get URL: a server answers it with 200; its answer can then be matched.
func get(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg || len(args) != 1, "get URL")
	var body []byte
	if !testbed.Soon(patience, func() bool {
		resp, err := http.Get(args[0])
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		body, err = io.ReadAll(resp.Body)
		return err == nil && resp.StatusCode == http.StatusOK
	}) {
		ts.Fatalf("%s has not answered within %s", args[0], patience)
	}
	_, err := ts.Stdout().Write(body)
	ts.Check(err)
}

func background(ts *testscript.TestScript, name string) *running {
	r := workspaceOf(ts).running[name]
	if r == nil {
		ts.Fatalf("nothing was started as %s", name)
	}
	return r
}

func expect(ts *testscript.TestScript, want string, got int) {
	if want != strconv.Itoa(got) {
		ts.Fatalf("exit code %d, not %s", got, want)
	}
}

func usage(ts *testscript.TestScript, wrong bool, text string) {
	if wrong {
		ts.Fatalf("usage: %s", text)
	}
}
