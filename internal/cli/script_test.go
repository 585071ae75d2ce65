package cli_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"topobench/internal/cli"
	"topobench/internal/testbed"
)

// TestMain makes the test binary topobench. The programs that it drives are plain ones.
func TestMain(m *testing.M) {
	testscript.Main(beside{m}, map[string]func(){"topobench": topobench})
}

// beside runs the tests with the fakes and the shepherd beside topobench, in the first
// directory of PATH, and as a sub-reaper: what a killed topobench leaves falls to them.
type beside struct{ m *testing.M }

func (b beside) Run() int {
	return testbed.Run(func() int {
		bin := filepath.SplitList(os.Getenv("PATH"))[0]
		if err := errors.Join(testbed.Install(bin), installPlain(bin)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return b.m.Run()
	})
}

// topobench is the program with a hook for its phases and the plain shepherd beside it.
func topobench() {
	path, err := os.Executable()
	if err != nil {
		panic(err)
	}
	os.Args[0] = path // testscript leaves the bare name
	env := cli.OS()
	env.At, env.Shepherd = at(os.Getenv("LC_AT")), filepath.Join(filepath.Dir(path), "shepherd")
	os.Exit(cli.Main(os.Args[1:], env)) // the race detector has its word
}

// TestScripts runs what testdata/script has beside the scripts that show a fault of
// the catalogue: those run under the name of their fault.
func TestScripts(t *testing.T) {
	paths, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	named := namedScripts(t)
	var names []string
	for _, path := range paths {
		if name := strings.TrimSuffix(filepath.Base(path), ".txtar"); !slices.Contains(named, name) {
			names = append(names, name)
		}
	}
	scripts(t, names...)
}

// plainKey is the variable with the path of this package's test program without the race detector, which takes half
// the CPU. "make test" sets it, and "make test-race" runs topobench under the race detector.
const plainKey = "TESTBED_TOPOBENCH"

// plainIn is the directory with a plain topobench and its fakes. Its path is as long as that of bin, so that lines with
// a path wrap at the same place.
func plainIn(bin string) string { return filepath.Join(filepath.Dir(bin), "raw") }

func installPlain(bin string) error {
	from, to := os.Getenv(plainKey), plainIn(bin)
	if from == "" {
		return nil
	}
	if err := os.Mkdir(to, 0o755); err != nil {
		return err
	}
	text, err := os.ReadFile(from)
	return errors.Join(err, testbed.Install(to), os.WriteFile(filepath.Join(to, "topobench"), text, 0o755))
}

// programs is the directory with topobench and its fakes: plain ones where "make test" has built them.
func programs() string {
	bin := filepath.SplitList(os.Getenv("PATH"))[0]
	if _, err := os.Stat(plainIn(bin)); err == nil {
		return plainIn(bin)
	}
	return bin
}

// namedScripts are those that a test of this package runs by name.
func namedScripts(t *testing.T) (names []string) {
	t.Helper()
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	call, name := regexp.MustCompile(`scripts\(t(, "[^"]+")+\)`), regexp.MustCompile(`"([^"]+)"`)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range call.FindAllString(string(text), -1) {
			for _, n := range name.FindAllStringSubmatch(c, -1) {
				names = append(names, n[1])
			}
		}
	}
	if slices.Sort(names); len(slices.Compact(slices.Clone(names))) < len(names) {
		t.Errorf("a script that two tests run: %q", names)
	}
	return names
}

// scripts runs scripts of testdata/script: the whole command line, in processes,
// against fakes. Each has ports of its own, and at its end nothing it started lives.
func scripts(t *testing.T, names ...string) {
	t.Parallel()
	bin := programs()
	if runtime.GOOS != "linux" {
		t.Skip("processes are started on Linux only")
	}
	var files []string
	for _, name := range names {
		files = append(files, filepath.Join("testdata", "script", name+".txtar"))
	}
	testscript.Run(t, testscript.Params{
		Files: files, RequireExplicitExec: true, RequireUniqueNames: true,
		Setup: func(env *testscript.Env) error { return setUp(t, bin, env) },
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits": exits, "start": start, "signal": send, "ends": ends, "waitfor": waitFor,
			"alive": alive, "audit": audit, "listen": listen, "get": get, "kill-all": killAll,
		},
	})
}

type workspaceKey struct{}

func workspaceOf(ts *testscript.TestScript) *workspace { return ts.Value(workspaceKey{}).(*workspace) }

// setUp makes a script's directory its workspace.
func setUp(t *testing.T, bin string, env *testscript.Env) error {
	s, err := build(env.WorkDir)
	if err != nil {
		return err
	}
	env.Setenv("PATH", bin+string(filepath.ListSeparator)+env.Getenv("PATH"))
	env.Values[workspaceKey{}] = s
	env.Defer(func() { s.close(t) })
	shm := fmt.Sprint(time.Now().UnixNano()) // a test that was killed may have left its files
	env.Defer(func() { removeFakes(t, shm) })
	env.Vars = append(append(env.Vars, s.vars()...), "P="+s.ports, "J=root/.topobench/*/journal.ndjson",
		"BIN="+bin, "PID="+fmt.Sprint(os.Getpid()), "SHM="+shm)
	return nil
}

// removeFakes removes the shared memory of a script's workers.
func removeFakes(t *testing.T, shm string) {
	paths, err := filepath.Glob("/dev/shm/topobench-fake-" + shm + "*")
	for _, path := range paths {
		err = errors.Join(err, os.Remove(path))
	}
	if err != nil {
		t.Error(err)
	}
}
