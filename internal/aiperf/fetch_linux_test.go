package aiperf

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"topobench/internal/host"
	"topobench/internal/host/agent"
	"topobench/internal/testbed"
)

// away is a machine behind an agent. Spoil may change what it answers.
type away struct {
	*agent.Client
	spoil func(path string, data []byte) ([]byte, error)
}

func (a away) Get(ctx context.Context, path string, from, limit int64) ([]byte, error) {
	data, err := a.Client.Get(ctx, path, from, limit)
	if err != nil || a.spoil == nil {
		return data, err
	}
	return a.spoil(filepath.Base(path), data)
}

// nothing is an agent.Machine that has nothing.
type nothing struct{ agent.Machine }

func (nothing) Remove(context.Context) (host.Removed, error)     { return host.Removed{}, nil }
func (nothing) Left(context.Context) (lines []string, err error) { return nil, nil }

// away is an agent on this machine, which runs the same scripts.
func (b bed) away() away {
	b.Helper()
	fromClient, toAgent := io.Pipe()
	fromAgent, toClient := io.Pipe()
	ended := make(chan error, 1)
	s := agent.Server{Host: host.Local{Starter: host.Starter{Exe: testbed.Program()}}, Machine: nothing{}, Hello: agent.Hello{Protocol: agent.Version}}
	go func() { ended <- agent.Serve(b.Context(), s, fromClient, toClient); _ = toClient.Close() }()
	c, err := agent.Connect(b.Context(), "pod", 0, agent.Conn{In: toAgent, Out: fromAgent, End: func() error { return errors.Join(toAgent.Close(), fromAgent.Close()) }})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_, _ = c.Close(context.Background()) // it may be lost
		<-ended
	})
	return away{Client: c}
}

// there is a job on another machine, with the place of its copy.
func (b bed) there(script string) Job {
	b.Helper()
	j := b.job(script)
	j.Dir, j.Log = filepath.Join(b.dir, "there", "cell"), filepath.Join(b.dir, "there", "cell.log")
	j.Copy = Copy{filepath.Join(b.dir, "attempt-1"), filepath.Join(b.dir, "attempt-1.log")}
	j.Force = b.Context()
	if err := os.Mkdir(j.Copy.Dir, 0o700); err != nil {
		b.Fatal(err)
	}
	return j
}

// results is an aiperf with files of all kinds: an empty one, a large one, and one below a directory.
const results = `echo "the log"; echo '` + record + `' > profile_export.jsonl; echo '{"x": 1}' > profile_export_aiperf.json
mkdir -p phases/a "a b"; : > "a b/empty"; head -c 9000000 /dev/urandom > phases/a/large
head -c 2000000 /dev/zero > inputs.json; ln -s /etc/hostname link`

// files are the regular files below a directory, with what is in them.
func files(t testing.TB, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		all[strings.TrimPrefix(path, dir+"/")] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestFilesOfAnotherMachineAreCopied(t *testing.T) {
	t.Parallel()
	b := newBed(t)
	j, shepherd, seen := b.there(results+"; sleep 1.2"), 0, Progress{} // for a look at its progress
	j.Started = func(pid int) { shepherd = pid }
	j.Progress = func(p Progress) { seen = p }
	o, err := Run(t.Context(), b.away(), j)
	if err != nil || o.Problem != "" || shepherd == 0 || seen != (Progress{Done: 1, Asked: 10}) {
		t.Fatalf("%+v, %v; shepherd %d, %+v", o, err, shepherd, seen)
	}
	want, got := files(t, j.Dir), files(t, j.Copy.Dir)
	delete(want, "inputs.json") // it has more than 1 MiB
	if len(got) != 4 || len(got) != len(want) {
		t.Errorf("%d files of %d", len(got), len(want))
	}
	for path, data := range want {
		if got[path] != data {
			t.Errorf("%s differs", path)
		}
	}
	if log, err := os.ReadFile(j.Copy.Log); err != nil || string(log) != "the log\n" {
		t.Errorf("the log is %q, %v", log, err)
	}
	if left, err := filepath.Glob(filepath.Join(b.dir, "*.part")); err != nil || len(left) > 0 {
		t.Errorf("%v, %v", left, err)
	}
}

// A copy that is not what aiperf has written is a problem of the cell, and leaves no file that has a number.
func TestATornCopyHasNoNumbers(t *testing.T) {
	t.Parallel()
	lost := errors.New("the connection is lost")
	for _, row := range []struct {
		why, script, problem string
		spoil                func(path string, data []byte) ([]byte, error)
	}{
		{"a changed byte", results, "the copy has the SHA-256", func(path string, data []byte) ([]byte, error) {
			if path == ExportName {
				data = []byte(strings.Replace(string(data), "1", "2", 1))
			}
			return data, nil
		}},
		{"a short piece", results, "the copy has the SHA-256", func(path string, data []byte) ([]byte, error) {
			return data[:min(len(data), 1000)], nil
		}},
		{"no answer", results, lost.Error(), func(path string, data []byte) ([]byte, error) {
			if path == "large" {
				return nil, lost
			}
			return data, nil
		}},
		{"the files are gone", results + `; rm -rf "$PWD"`, "cannot make their sums", nil},
		{"a strange name", "touch \"a\nb\"", "cannot read a line of their sums", nil},
		{"aiperf has failed, too", "echo '{}' > profile_export_aiperf.json; exit 3", "aiperf exit 3; the files of aiperf could not be copied",
			func(path string, data []byte) ([]byte, error) { return append(data, 'x'), nil }},
	} {
		b := newBed(t)
		j, m := b.there(row.script), b.away()
		m.spoil = row.spoil
		o, err := Run(t.Context(), m, j)
		if err != nil || !strings.Contains(o.Problem, row.problem) {
			t.Errorf("%s: %+v, %v", row.why, o, err)
		}
		if got := files(t, j.Copy.Dir); len(got) > 0 {
			t.Errorf("%s: there are files", row.why)
		}
		if left, err := filepath.Glob(filepath.Join(b.dir, "*.part")); err != nil || len(left) > 0 {
			t.Errorf("%s: %v, %v", row.why, left, err)
		}
	}
}

// The files of an aiperf that failed explain why: they are copied too.
func TestFilesOfAFailureAreCopied(t *testing.T) {
	b := newBed(t)
	j := b.there("echo '" + record + "' > profile_export.jsonl; echo '10:19:45.781 ERROR    it broke'; exit 3")
	o, err := Run(t.Context(), b.away(), j)
	if err != nil || o.Problem != "aiperf exit 3" || o.Error != "aiperf: it broke" || len(files(t, j.Copy.Dir)) != 1 {
		t.Errorf("%+v, %v", o, err)
	}
}

// Another machine gets SIGINT first too, for the first process only.
func TestF50InterruptOnAnotherMachine(t *testing.T) {
	b := newBed(t)
	j := b.there("exec '" + testbed.Program() + "' child interrupted")
	logged := func(words string) bool {
		text, err := os.ReadFile(j.Log)
		return err == nil && strings.Contains(string(text), words)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() {
		testbed.Soon(10*time.Second, func() bool { return logged("leader ready") && logged("child ready") })
		cancel(errors.New("enough"))
	}()
	if o, err := Run(ctx, b.away(), j); err != nil || o.Problem != "enough" || o.Exit.Code != 3 {
		t.Errorf("got %+v, %v", o, err)
	}
	if !logged("leader interrupted") || logged("child interrupted") {
		t.Error("the wrong process was interrupted")
	}
	if left := b.Living(); len(left) > 0 {
		t.Errorf("the next cell would start beside %v", left)
	}
}

func TestAListOfSumsIsComplete(t *testing.T) {
	sum := strings.Repeat("0f", 32)
	for text, reads := range map[string]bool{
		sum + "  ./a b\n" + sum + "  -\n":                     true,
		sum + "  ./a b\n":                                     false, // it ends early
		sum + "  ./a b\n" + sum + "  -":                       false,
		"":                                                    false,
		sum[1:] + "  ./a\n" + sum + "  -\n":                   false,
		sum + "  ../a\n" + sum + "  -\n":                      false, // it would be written elsewhere
		sum + "  /etc/a\n" + sum + "  -\n":                    false,
		`\` + sum + "  a\\nb\n" + sum + "  -\n":               false,
		strings.Repeat(sum+"  ./a\n", 16<<10) + sum + "  -\n": false,
	} {
		if got, err := parseSums(text); (err == nil) != reads {
			t.Errorf("%.100q: %v, %v", text, got, err)
		}
	}
}
