package programs_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"topobench/internal/programs"
	"topobench/internal/testbed"
)

// bed is an environment whose python is the test binary.
type bed struct {
	*testing.T
	dir, python, site string
	prober            programs.Prober
}

func newBed(t *testing.T) *bed {
	t.Helper()
	witness, dir := testbed.Audit(t), t.TempDir()
	b := &bed{T: t, dir: dir, python: filepath.Join(dir, "bin", "python3"), site: filepath.Join(dir, "site")}
	b.check(errors.Join(os.Mkdir(filepath.Dir(b.python), 0o755), os.Mkdir(b.site, 0o755)))
	b.check(os.Symlink(b.binary(), b.python))
	b.prober = programs.Prober{Cache: filepath.Join(dir, "cache", "probes.json"), Warn: func(text string) { t.Error(text) },
		Environ: append(witness.Env(), "PROBED="+filepath.Join(dir, "probed"))}
	b.answers(`{"versions": {"ai-dynamo": "1.6.1"}, "modules": ["dynamo"], "stamps": {%q: %d}}`, b.site, b.stamp(b.site))
	return b
}

func (b *bed) check(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (b *bed) binary() string {
	b.Helper()
	path, err := os.Executable()
	b.check(err)
	return path
}

func (b *bed) stamp(path string) int64 {
	b.Helper()
	info, err := os.Stat(path)
	b.check(err)
	return info.ModTime().UnixNano()
}

// answers sets the output of the program from now on.
func (b *bed) answers(format string, args ...any) {
	b.prober.Environ = append(b.prober.Environ, "ANSWER="+fmt.Sprintf(format, args...))
}

// probe returns the answer, and how often the program has run by then.
func (b *bed) probe(t programs.Tool, path string) (programs.Answer, int) {
	b.Helper()
	got, err := b.prober.Probe(b.Context(), t, path)
	b.check(err)
	log, err := os.ReadFile(filepath.Join(b.dir, "probed"))
	b.check(err)
	return got, strings.Count(string(log), "\n")
}

func TestAnAnswerIsKeptUntilWhatItDependsOnChanges(t *testing.T) {
	b := newBed(t)
	want := programs.Answer{Versions: map[string]string{"ai-dynamo": "1.6.1"}, Modules: []string{"dynamo"}}
	later := time.Now().Add(time.Hour)
	for _, step := range []struct {
		why    string
		before func()
		runs   int
	}{
		{"the first probe runs it", func() {}, 1},
		{"then the cache has the answer", func() {}, 1},
		{"pip install changes the directory", func() {
			b.check(os.Chtimes(b.site, later, later))
			b.answers(`{"versions": {"ai-dynamo": "1.6.1"}, "modules": ["dynamo"], "stamps": {%q: %d}}`, b.site, later.UnixNano())
		}, 2},
		{"then the cache has it again", func() {}, 2},
		{"another interpreter under the same path", func() {
			copied := filepath.Join(b.dir, "other")
			b.check(errors.Join(os.Remove(b.python), os.Link(b.binary(), copied)))
			data, err := os.ReadFile(copied)
			b.check(err)
			b.check(os.WriteFile(b.python, data, 0o755))
		}, 3},
		{"a damaged cache is no cache", func() { b.check(os.WriteFile(b.prober.Cache, []byte(`{"/x": {"ver`), 0o644)) }, 4},
		{"nor is one of other things", func() { b.check(os.WriteFile(b.prober.Cache, []byte(`["x"]`), 0o644)) }, 5},
		{"it was mended by then", func() {}, 5},
	} {
		step.before()
		got, runs := b.probe(programs.Python, b.python)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.why, diff)
		}
		if runs != step.runs {
			t.Errorf("%s: it has run %d times, not %d", step.why, runs, step.runs)
		}
	}
	var kept map[string]any
	data, err := os.ReadFile(b.prober.Cache)
	b.check(err)
	if err := json.Unmarshal(data, &kept); err != nil || len(kept) != 1 {
		t.Errorf("the cache has %d entries (%v):\n%s", len(kept), err, data)
	}
}

func TestRecallStartsNothing(t *testing.T) {
	b := newBed(t)
	if got, known := b.prober.Recall(programs.Python, b.python); known {
		t.Errorf("nothing was probed, and Recall returns %v", got)
	}
	b.probe(programs.Python, b.python)
	got, known := b.prober.Recall(programs.Python, b.python)
	if !known || got.Version("vllm", "ai-dynamo") != "1.6.1" || got.Lacks("dynamo") || !got.Lacks("vllm") {
		t.Errorf("it was probed, and Recall returns %v, %v", got, known)
	}
	if _, runs := b.probe(programs.Python, b.python); runs != 1 {
		t.Errorf("it ran %d times", runs)
	}
}

// A script's interpreter is probed, so two scripts of one environment need one probe.
func TestAScriptsInterpreterIsProbed(t *testing.T) {
	b := newBed(t)
	for _, name := range []programs.Tool{programs.AIPerf, programs.VLLM} {
		script := filepath.Join(b.dir, "bin", string(name))
		b.check(os.WriteFile(script, []byte("#!"+b.python+"\nimport sys\n"), 0o755))
		got, runs := b.probe(name, script)
		if got.Version("ai-dynamo") != "1.6.1" || runs != 1 {
			t.Errorf("%s: %v after %d runs", name, got, runs)
		}
	}
}

func TestServersPrintTheirVersions(t *testing.T) {
	b := newBed(t)
	for i, row := range []struct {
		tool         programs.Tool
		answer, want string
	}{
		{programs.Nginx, "nginx version: nginx/1.22.1", "1.22.1"},
		{programs.Nginx, "nginx version: openresty/1.25.3.1", "1.25.3.1"}, // C18
		{programs.Nginx, "Tengine version: Tengine/2.3.3\nnginx version: nginx/1.18.0 (Ubuntu)", "1.18.0"},
		{programs.Nginx, "a proxy", ""},
		{programs.Etcd, "etcd Version: 3.4.23\nGit SHA: Not provided\nGo Version: go1.19.8", "3.4.23"},
		{programs.NATS, "nats-server: v2.9.10", "2.9.10"},
	} {
		path := filepath.Join(b.dir, fmt.Sprint(row.tool, i))
		b.check(os.Symlink(b.binary(), path))
		b.answers("%s", row.answer)
		for range 2 {
			got, runs := b.probe(row.tool, path)
			if got.Version(string(row.tool)) != row.want || runs != i+1 {
				t.Errorf("%s: %v after %d runs, want %s", row.tool, got, runs, row.want)
			}
		}
	}
}

func TestAProgramThatIsNoPythonIsUnknown(t *testing.T) {
	b := newBed(t)
	got, err := b.prober.Probe(t.Context(), programs.AIPerf, b.binary())
	if err != nil || got.Modules != nil || got.Lacks("aiperf") {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestAProbeThatFailsIsAnError(t *testing.T) {
	b := newBed(t)
	stopped, stop := context.WithCancelCause(t.Context())
	stop(errors.New("interrupted"))
	for _, row := range []struct {
		why, answer, want string
		ctx               context.Context
	}{
		{"it fails", "", "cannot probe the version of " + b.python + ": it ended with exit 1: it printed nothing", t.Context()},
		{"it is no Python", "hello", "is this really a Python interpreter?", t.Context()},
		{"the user interrupts", "hello", "interrupted", stopped},
	} {
		b.answers("%s", row.answer)
		_, err := b.prober.Probe(row.ctx, programs.Python, b.python)
		if err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v", row.why, err)
		}
	}
}

// A cache that cannot be written costs time, not the run.
func TestACacheThatCannotBeWrittenIsAWarning(t *testing.T) {
	b := newBed(t)
	b.check(os.WriteFile(filepath.Join(b.dir, "cache"), nil, 0o644)) // where a directory should be
	warning := ""
	b.prober.Warn = func(text string) { warning = text }
	if got, _ := b.probe(programs.Python, b.python); got.Version("ai-dynamo") != "1.6.1" {
		t.Errorf("got %v", got)
	}
	if !strings.Contains(warning, "cannot keep the versions of "+b.python) {
		t.Errorf("the warning is %q", warning)
	}
}

func TestTwoAtOnceLeaveAWholeCache(t *testing.T) {
	b := newBed(t)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if _, err := b.prober.Probe(t.Context(), programs.Python, b.python); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if _, known := b.prober.Recall(programs.Python, b.python); !known {
		t.Error("the cache has no answer")
	}
	if left, err := filepath.Glob(filepath.Join(b.dir, "cache", ".tmp-*")); err != nil || len(left) > 0 {
		t.Errorf("left in the cache: %v, %v", left, err)
	}
}

// No file exists while a program is probed: kill -9 would leave it behind.
func TestAProbeLeavesNoFile(t *testing.T) {
	b := newBed(t)
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	b.prober.Environ = append(b.prober.Environ, "LISTS="+temp)
	b.probe(programs.Python, b.python)
	if log, err := os.ReadFile(filepath.Join(b.dir, "probed")); err != nil || string(log) != "-c []\n" {
		t.Errorf("during the probe there was %q, %v", log, err)
	}
}

func TestAProbeNeedsNoTMPDIR(t *testing.T) {
	b := newBed(t)
	t.Setenv("TMPDIR", filepath.Join(b.dir, "gone"))
	if got, _ := b.probe(programs.Python, b.python); got.Version("ai-dynamo") != "1.6.1" {
		t.Errorf("got %v", got)
	}
}
