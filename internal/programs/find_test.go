package programs

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"topobench/internal/profile"
)

// program writes an executable file.
func program(t *testing.T, path string) string {
	t.Helper()
	return file(t, path, 0o755)
}

func file(t *testing.T, path string, mode fs.FileMode) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"), mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func getenv(env map[string]string) func(string) string {
	return func(name string) string { return env[name] }
}

func TestFindTakesTheStrongestThatIsNamed(t *testing.T) {
	dir := t.TempDir()
	flag, profile, variable := program(t, dir+"/f"), program(t, dir+"/p"), program(t, dir+"/e")
	cache, onPath := program(t, dir+"/cache/aiperf-0.13.0/bin/aiperf"), program(t, dir+"/bin/aiperf")
	file(t, dir+"/cache/aiperf-0.13.0/.complete", 0o644)
	half := program(t, dir+"/half/aiperf-0.13.0/bin/aiperf") // no .complete beside it
	whole := map[string]string{"TOPOBENCH_AIPERF": variable, "TOPOBENCH_CACHE": dir + "/cache", "PATH": dir + "/bin"}
	rows := []struct {
		why    string
		search Search
		want   Found
	}{
		{"a flag beats all", Search{Flags: Paths{AIPerf: flag}, Profile: Paths{AIPerf: profile}, Getenv: getenv(whole)}, Found{Path: flag, Source: "flag"}},
		{"then the profile", Search{Flags: Paths{Nginx: flag}, Profile: Paths{AIPerf: profile}, Getenv: getenv(whole)}, Found{Path: profile, Source: "profile"}},
		{"then the variable", Search{Getenv: getenv(whole)}, Found{Path: variable, Source: "environment"}},
		{"then the cache", Search{Getenv: getenv(map[string]string{"TOPOBENCH_CACHE": dir + "/cache", "PATH": dir + "/bin"})}, Found{Path: cache, Source: "cache"}},
		{"then PATH", Search{Getenv: getenv(map[string]string{"TOPOBENCH_CACHE": dir + "/none", "PATH": "bin:" + dir + ":" + dir + "/bin"})}, Found{Path: onPath, Source: "PATH"}},
		{"a half-made environment is passed over", Search{Getenv: getenv(map[string]string{"TOPOBENCH_CACHE": filepath.Dir(filepath.Dir(filepath.Dir(half))), "PATH": dir + "/bin"})}, Found{Path: onPath, Source: "PATH"}},
	}
	for _, row := range rows {
		got, err := row.search.Find(AIPerf)
		if err != nil {
			t.Errorf("%s: %v", row.why, err)
		}
		if diff := cmp.Diff(map[Tool]Found{AIPerf: row.want}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", row.why, diff)
		}
	}
}

func TestFindRefusesAGivenPathThatCannotRun(t *testing.T) {
	dir := t.TempDir()
	plain := file(t, dir+"/plain", 0o644)
	env := map[string]string{"PATH": filepath.Dir(program(t, dir+"/bin/nginx"))}
	for _, row := range []struct{ why, path, want string }{
		{"nothing there", dir + "/none", "no such file or directory"},
		{"a directory", dir, "is a directory"},
		{"a file without the executable bit", plain, "is not executable"},
	} {
		_, err := Search{Flags: Paths{Nginx: row.path}, Getenv: getenv(env)}.Find(Nginx)
		unusable, ok := errors.AsType[*UnusableError](err)
		if !ok {
			t.Fatalf("%s: got %v, want an *UnusableError: PATH has one, but the flag names another", row.why, err)
		}
		if unusable.Named != "--nginx" || !strings.Contains(err.Error(), row.path+": "+row.want) {
			t.Errorf("%s: %v", row.why, err)
		}
	}
}

// nvidia-smi is part of the driver: the cache, which may be unknown, does not matter.
func TestFindNvidiaSMI(t *testing.T) {
	dir := t.TempDir()
	named, onPath := program(t, dir+"/named"), program(t, dir+"/bin/nvidia-smi")
	for _, row := range []struct {
		env  map[string]string
		want Found
	}{
		{map[string]string{"TOPOBENCH_NVIDIA_SMI": named, "PATH": dir + "/bin"}, Found{Path: named, Source: "environment"}},
		{map[string]string{"PATH": dir + "/bin"}, Found{Path: onPath, Source: "PATH"}},
	} {
		found, err := Search{Getenv: getenv(row.env)}.Find(NvidiaSMI)
		if err != nil || found[NvidiaSMI] != row.want {
			t.Errorf("%v: %v, %v", row.env, found, err)
		}
	}
	_, err := Search{Getenv: getenv(map[string]string{"TOPOBENCH_CACHE": dir, "PATH": dir})}.Find(NvidiaSMI)
	if _, missing := errors.AsType[*NotFoundError](err); !missing || !strings.Contains(err.Error(), "TOPOBENCH_NVIDIA_SMI") {
		t.Errorf("none: %v", err)
	}
}

// The programs of a node or container come before those that were installed for the demo.
func TestFindTakesPathFirstForEnginesOnGPUs(t *testing.T) {
	dir := t.TempDir()
	cache, onPath := program(t, dir+"/cache/dynamo-1.6.1/bin/python"), program(t, dir+"/bin/python3")
	file(t, dir+"/cache/dynamo-1.6.1/.complete", 0o644)
	fromCache, fromPath := Found{Path: cache, Source: "cache"}, Found{Path: onPath, Source: "PATH"}
	for engine, want := range map[string]Found{"dynamo": fromPath, "vllm": fromPath, "command": fromPath, "mocker": fromCache, External: fromCache} {
		search := Search{Getenv: getenv(map[string]string{"TOPOBENCH_CACHE": dir + "/cache", "PATH": dir + "/bin"}), Engine: engine}
		if found, err := search.Find(Python); err != nil || found[Python] != want {
			t.Errorf("%s: got %v, %v; want %v", engine, found[Python], err, want)
		}
	}
	for _, engine := range []string{"dynamo", "mocker"} {
		search := Search{Getenv: getenv(map[string]string{"TOPOBENCH_CACHE": dir + "/cache", "PATH": dir + "/none"}), Engine: engine}
		if found, err := search.Find(Python); err != nil || found[Python] != fromCache {
			t.Errorf("%s without one on PATH: got %v, %v", engine, found[Python], err)
		}
	}
}

// A candidate that nobody named and that lacks what the engine needs is passed over, with the reason.
func TestChoosePassesOverWhatDoesNotFit(t *testing.T) {
	dir := t.TempDir()
	cache, onPath := program(t, dir+"/cache/dynamo-1.6.1/bin/python"), program(t, dir+"/bin/python3")
	file(t, dir+"/cache/dynamo-1.6.1/.complete", 0o644)
	program(t, dir+"/bin/aiperf")
	whole, half, bare := Answer{Modules: []string{"dynamo", "vllm"}}, Answer{Modules: []string{"dynamo"}}, Answer{Modules: []string{}}
	for _, row := range []struct {
		why, engine string
		answers     map[string]Answer // none: the probe fails
		flag        string
		want        Found
		failed      string // part of the errors
	}{
		{"PATH has all", "dynamo", map[string]Answer{onPath: whole, cache: half}, "", Found{onPath, "PATH", ""}, ""},
		{"PATH is not probed yet", "dynamo", map[string]Answer{onPath: {}, cache: half}, "", Found{onPath, "PATH", ""}, ""},
		{"the system's own Python", "dynamo", map[string]Answer{onPath: bare, cache: whole}, "",
			Found{cache, "cache", "passed over: " + onPath + " (PATH) has no ai-dynamo and no vllm"}, ""},
		{"a shim without a version", "dynamo", map[string]Answer{cache: whole}, "", Found{cache, "cache", "passed over: " + onPath + " (PATH): exit 127"}, ""},
		{"none fits", "dynamo", map[string]Answer{onPath: bare, cache: half}, "",
			Found{onPath, "PATH", "no python fits: " + onPath + " (PATH) has no ai-dynamo and no vllm; " + cache + " (cache) has no vllm"}, cache + " (cache) has no vllm; name the right one with --python, or pip install 'ai-dynamo[vllm]'"},
		{"none can be probed", "dynamo", nil, "", Found{onPath, "PATH", "no python fits: " + onPath + " (PATH): exit 127; " + cache + " (cache): exit 127"}, "exit 127"},
		{"the demo's", "mocker", map[string]Answer{onPath: whole, cache: half}, "", Found{cache, "cache", ""}, ""},
		{"a name is kept", "dynamo", map[string]Answer{onPath: whole, cache: half}, cache, Found{cache, "flag", ""}, "has no vllm"},
	} {
		search := Search{Flags: Paths{Python: row.flag}, Getenv: getenv(map[string]string{"TOPOBENCH_CACHE": dir + "/cache", "PATH": dir + "/bin"})}
		p := profile.Profile{Name: "p", Engine: row.engine, Aggregated: []profile.Worker{{}}}
		c, missing, failed := search.Choose(p, func(t Tool, path string) (Answer, error) {
			answer, ok := row.answers[path]
			if !ok && t == Python {
				return Answer{}, errors.New("exit 127")
			}
			return answer, nil
		})
		if c.Found[Python] != row.want || missing != nil {
			t.Errorf("%s: %+v (%v), want %+v", row.why, c.Found[Python], missing, row.want)
		}
		all := errors.Join(failed, Lacking(p, c))
		if (all == nil) != (row.failed == "") || all != nil && !strings.Contains(all.Error(), row.failed) {
			t.Errorf("%s: %v, want %q", row.why, all, row.failed)
		}
	}
}

// A profile may name a part of the cache that was never installed.
func TestFindReportsHowToFillTheCache(t *testing.T) {
	dir := t.TempDir()
	env := map[string]string{"TOPOBENCH_CACHE": dir}
	for path, want := range map[string]string{dir + "/vllm-0.31.0/bin/vllm": "make engines", dir + "x/vllm": "correct the path"} {
		_, err := Search{Profile: Paths{VLLM: path}, Getenv: getenv(env)}.Find(VLLM)
		if err == nil || !strings.Contains(err.Error(), "no such file or directory; "+want) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
}

func TestFindNamesAllThatIsMissingAndEveryPlace(t *testing.T) {
	dir := t.TempDir()
	program(t, dir+"/bin/etcd")
	env := map[string]string{"XDG_CACHE_HOME": dir, "PATH": dir + "/bin"}
	found, err := Search{Getenv: getenv(env)}.Find(VLLM, Etcd, AIPerf)
	if diff := cmp.Diff(map[Tool]Found{Etcd: {Path: dir + "/bin/etcd", Source: "PATH"}}, found); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, want := range []string{
		"cannot find vllm: --vllm, the profile's key vllm and TOPOBENCH_VLLM do not name it",
		"cache: " + dir + "/topobench/vllm-0.31.0/bin/vllm: no such file or directory",
		"to install it: pip install vllm on a GPU node, or make engines",
		"cannot find aiperf",
		"cache: " + dir + "/topobench/aiperf-0.13.0/bin/aiperf: no such file or directory",
		"PATH: no aiperf in " + dir + "/bin",
		"to install it: make tools, or pip install aiperf",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error lacks %q:\n%v", want, err)
		}
	}
}

func TestFindMakesAGivenPathAbsolute(t *testing.T) {
	t.Chdir(t.TempDir())
	program(t, "env/bin/python")
	found, err := Search{Profile: Paths{Python: "env/bin/python"}, Getenv: getenv(nil)}.Find(Python)
	if err != nil || !filepath.IsAbs(found[Python].Path) {
		t.Errorf("got %v, %v; want an absolute path: children run elsewhere", found, err)
	}
}

// Both name the cache's parts: with a version raised in one of them only, the search would miss what setup.sh
// installed.
func TestSetupFillsThePlacesTheFinderLooksAt(t *testing.T) {
	data, err := os.ReadFile("../scripts/setup.sh")
	if err != nil {
		t.Fatal(err)
	}
	script := string(data)
	for _, tool := range []Tool{Python, VLLM, AIPerf, Nginx, Etcd, NATS} {
		p := placeOf(tool)
		part, _, _ := strings.Cut(p.cached, "/")
		if !strings.Contains(script, part) {
			t.Errorf("setup.sh does not make %s, where %s is looked for", part, tool)
		}
		if p.mark != "" && filepath.Base(p.mark) != ".complete" {
			t.Errorf("%s: the mark is %s, setup.sh writes .complete", tool, p.mark)
		}
	}
}

func TestCacheDir(t *testing.T) {
	for _, row := range []struct {
		why  string
		env  map[string]string
		want string
	}{
		{"its own variable wins", map[string]string{"TOPOBENCH_CACHE": "/c", "XDG_CACHE_HOME": "/x", "HOME": "/h"}, "/c"},
		{"then the desktop's", map[string]string{"XDG_CACHE_HOME": "/x", "HOME": "/h"}, "/x/topobench"},
		{"then home", map[string]string{"HOME": "/h"}, "/h/.cache/topobench"},
		{"a relative one is no place", map[string]string{"XDG_CACHE_HOME": "x", "HOME": "/h"}, "/h/.cache/topobench"},
		{"without any there is none", nil, ""},
	} {
		if got := CacheDir(getenv(row.env)); got != row.want {
			t.Errorf("%s: got %q, want %q", row.why, got, row.want)
		}
	}
}
