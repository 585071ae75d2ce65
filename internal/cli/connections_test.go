package cli

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"topobench/internal/host/agent"
	"topobench/internal/journal"
	"topobench/internal/plan"
	"topobench/internal/profile"
	"topobench/internal/run"
)

// neighbour is another machine in this process: it answers questions as its agent does.
type neighbour struct {
	run.Remote
	env    *Env
	left   []string
	closed bool

	blocked map[string]string // by address
}

func (n *neighbour) Inspect(ctx context.Context, question []byte) ([]byte, error) {
	return n.env.inspect(ctx, "own", question)
}

func (n *neighbour) Listen(context.Context, []string) (release func(), err error) {
	return func() {}, nil
}

func (n *neighbour) Dial(context.Context, []string, time.Duration) (map[string]string, error) {
	return n.blocked, nil
}

func (n *neighbour) Close(context.Context) ([]string, error) {
	n.closed = true
	return n.left, nil
}

func (n *neighbour) Hello() agent.Hello { return agent.Hello{} }

// neighbours are machines by name; an absent one refuses connections.
func neighbours(t *testing.T, names ...string) (*Env, map[string]*neighbour, *bytes.Buffer) {
	t.Helper()
	var out bytes.Buffer
	all := map[string]*neighbour{}
	for _, name := range names {
		dir := t.TempDir()
		all[name] = &neighbour{env: &Env{Environ: []string{"HOME=" + dir, tempVariable + "=" + dir, "PATH=" + dir, "USER=u"}}}
	}
	home := t.TempDir()
	env := &Env{Stdout: &out, Stderr: &out, Screen: &out, Environ: []string{"HOME=" + home, tempVariable + "=" + home, "PATH=" + home}}
	env.Reach = func(_ context.Context, to Target) (Remote, error) {
		if n, there := all[to.Name]; there {
			return n, nil
		}
		return nil, errors.New("cannot connect to " + to.Name + ": Connection refused")
	}
	return env, all, &out
}

// twoHosts writes a profile of mockers over machines of those addresses.
func twoHosts(t *testing.T, name string, addresses ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name+".yaml")
	text := "{name: " + name + ", kind: " + name + ", engine: mocker, model: /no/such/model, hosts: {a: {transport: ssh, address: " +
		addresses[0] + "}, b: {transport: ssh, address: " + addresses[1] + "}}, discovery: {etcd: start, nats: start}, " +
		"frontend: {port: 8000, host: a}, prefill: [{cuda_visible_devices: [0], host: a}], " +
		"decode: [{cuda_visible_devices: [0], host: b}], load: {isl: 8, osl: 4, concurrency: [1]}}"
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// Every host without a connection is reported, at once, and the others are given up.
func TestHostsWithoutAConnection(t *testing.T) {
	for _, command := range []string{"run", "up", "doctor"} {
		for why, names := range map[string][]string{"one": {"a"}, "two": nil} {
			env, all, out := neighbours(t, names...)
			args := []string{command, twoHosts(t, "x", "10.0.0.5", "10.0.0.6"), "--artifacts-root-dir", t.TempDir() + "/root"}
			code := Main(args, env)
			refused := strings.Count(out.String(), "Connection refused")
			if code != codeUsage || refused != 2-len(names) {
				t.Errorf("%s, %s: exit %d, %s", command, why, code, out)
			}
			for name, n := range all {
				if !n.closed {
					t.Errorf("%s, %s: the connection to %s stays", command, why, name)
				}
			}
		}
	}
}

// The agents get the limits of the command.
func TestLimitsReachEveryHost(t *testing.T) {
	env, _, out := neighbours(t)
	var mu sync.Mutex
	caps := map[string]uint64{}
	env.Reach = func(_ context.Context, to Target) (Remote, error) {
		mu.Lock()
		defer mu.Unlock()
		caps[to.Name] = *to.LogCap
		return nil, errors.New("refused")
	}
	Main([]string{"run", twoHosts(t, "x", "10.0.0.5", "10.0.0.6"), "--log-cap", "3MiB", "--artifacts-root-dir", t.TempDir() + "/root"}, env)
	if len(caps) != 2 || caps["a"] != 3<<20 || caps["b"] != 3<<20 {
		t.Errorf("got %v\n%s", caps, out)
	}
}

// Faults of the checks on two machines are reported together, and their connections end.
func TestFaultsOfTwoHostsAtOnce(t *testing.T) {
	for _, command := range []string{"run", "doctor"} {
		env, all, out := neighbours(t, "a", "b")
		code := Main([]string{command, twoHosts(t, "x", "10.0.0.5", "10.0.0.6"), "--artifacts-root-dir", t.TempDir() + "/root"}, env)
		text := strings.Join(strings.Fields(out.String()), " ")
		for _, want := range []string{"a: cannot find etcd", "a: cannot find python", "b: cannot find python", "/no/such/model is not a directory"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: no %q in %s", command, want, out)
			}
		}
		if code != codeUsage || !all["a"].closed || !all["b"].closed || strings.Contains(text, "b: cannot find etcd") {
			t.Errorf("%s: exit %d, %s", command, code, out)
		}
	}
}

// An interrupt while hosts are reached is no fault of theirs, and leaves no connection.
func TestAnInterruptWhileHostsAreReached(t *testing.T) {
	env, all, _ := neighbours(t, "a", "b")
	ctx, interrupt := context.WithCancelCause(t.Context())
	reach := env.Reach
	env.Reach = func(ctx context.Context, to Target) (Remote, error) {
		if to.Name == "b" {
			interrupt(&run.Interrupt{Signal: syscall.SIGINT})
			<-ctx.Done()
			return nil, context.Cause(ctx)
		}
		return reach(ctx, to)
	}
	profiles, err := loadProfiles(ctx, []string{twoHosts(t, "x", "10.0.0.5", "10.0.0.6")}, loadFlags{Seed: 1}, env)
	if err != nil {
		t.Fatal(err)
	}
	hosts, err := env.connect(ctx, profiles, Target{Run: "run", Grace: time.Minute})
	if code := exitCode(err); code != 130 || hosts != nil || !all["a"].closed {
		t.Errorf("exit %d, %v, closed %v", code, err, all["a"].closed)
	}
}

// Something that a machine could not end makes also a command that starts nothing end DIRTY.
func TestWhatAHostCouldNotEndIsDirty(t *testing.T) {
	env, all, out := neighbours(t, "a", "b")
	all["b"].left = []string{"process 7 (python)"}
	code := Main([]string{"doctor", twoHosts(t, "x", "10.0.0.5", "10.0.0.6"), "--artifacts-root-dir", t.TempDir() + "/root"}, env)
	if code != codeDirty || !strings.Contains(out.String(), "process 7 (python)") {
		t.Errorf("exit %d, %s", code, out)
	}
}

// One connection serves all profiles: a name is one machine, and a machine has one name.
func TestNamesOfHosts(t *testing.T) {
	hosts := func(name, address string) profile.Profile {
		return profile.Profile{Source: name + ".yaml", Aggregated: []profile.Worker{{Host: name}},
			Hosts: map[string]profile.Host{name: {Transport: profile.SSH, Address: address}}}
	}
	for _, row := range []struct {
		why      string
		profiles []profile.Profile
		want     string // "" = no fault
	}{
		{"two machines", []profile.Profile{hosts("a", "10.0.0.5"), hosts("b", "10.0.0.6"), hosts("a", "10.0.0.5")}, ""},
		{"one name for two", []profile.Profile{hosts("a", "10.0.0.5"), hosts("a", "10.0.0.6")}, "the host a is 10.0.0.6 here and 10.0.0.5"},
		{"two names for one", []profile.Profile{hosts("a", "10.0.0.5"), hosts("b", "10.0.0.5")}, "a and b are one machine, 10.0.0.5"},
	} {
		found, err := hostsOf(row.profiles)
		if (err == nil) != (row.want == "") || err != nil && !strings.Contains(err.Error(), row.want) || err == nil && len(found) != 2 {
			t.Errorf("%s: %v, %v", row.why, found, err)
		}
	}
}

func TestAnOrphanGraceThatIsTooShortIsRefused(t *testing.T) {
	env, _, out := neighbours(t)
	code := Main([]string{"up", "demo-agg", "--orphan-grace", "2s"}, env)
	if code != codeUsage || !strings.Contains(out.String(), "--orphan-grace 2s is too short") {
		t.Errorf("exit %d, %s", code, out)
	}
}

// clean --host finds the machine by its address or in the journals of runs, and prints what clean prints there.
func TestCleanOnAnotherHost(t *testing.T) {
	root := t.TempDir()
	for i, e := range []journal.Host{{Name: "b", Transport: "ssh", User: "u", Address: "10.0.0.6"}, {Name: "c", Transport: "slurm", Address: "10.0.0.7"},
		{Name: "c", Transport: "slurm", Address: "10.0.0.8"}, {Name: "d", Transport: "ssh", Address: "$(id)"}} {
		dir := filepath.Join(root, ".topobench", string(rune('a'+i)))
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		j, err := journal.Open(filepath.Join(dir, journal.Name), func(error) {})
		if err != nil {
			t.Fatal(err)
		}
		j.Note(e)
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for _, row := range []struct {
		flag, reached string // reached: user, address, transport
		code          int
		want          string
	}{
		{"b", "u 10.0.0.6 ssh", codeOK, "nothing is left"},
		{"b=10.0.0.9", " 10.0.0.9 ssh", codeOK, "nothing is left"},
		{"b=w@10.0.0.9", "w 10.0.0.9 ssh", codeOK, "nothing is left"},
		{"b=-oProxyCommand=id", "", codeUsage, "it needs an address such as"},
		{"b=-l@10.0.0.9", "", codeUsage, "is not the name of a user"},
		{"d", "", codeUsage, "it needs an address such as"},
		{"a=", "", codeUsage, "write NAME=ADDRESS"},
		{"nowhere", "", codeUsage, "has reached a host of that name: write nowhere=USER@ADDRESS"},
		{"c", "", codeUsage, "runs have reached c (slurm 10.0.0.7) and c (slurm 10.0.0.8)"},
	} {
		env, _, out := neighbours(t)
		home, err := os.MkdirTemp("/tmp", "tbc") // a longer one is passed over, and /tmp has runs of others
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(home)
		at := &neighbour{env: &Env{Environ: []string{tempVariable + "=" + home}}}
		var mu sync.Mutex
		var reached []string
		env.Reach = func(_ context.Context, to Target) (Remote, error) {
			mu.Lock()
			defer mu.Unlock()
			reached = append(reached, to.Host.User+" "+to.Host.Address+" "+to.Host.Transport)
			return at, nil
		}
		code := Main([]string{"clean", "--host", row.flag, "--artifacts-root-dir", root}, env)
		wrong := row.reached != "" && !slices.Equal(reached, []string{row.reached}) || row.reached == "" && reached != nil
		if code != row.code || wrong || !strings.Contains(out.String(), row.want) || at.closed != (row.reached != "") {
			t.Errorf("--host %s: exit %d, reached %q, %s", row.flag, code, reached, out)
		}
	}
}

// The doctor probes the ways between hosts as run does: b does not reach the frontend on a.
func TestDoctorProbesTheWaysBetweenHosts(t *testing.T) {
	_, all, _ := neighbours(t, "a", "b")
	all["b"].blocked = map[string]string{"127.0.0.2:1": "connection timed out"}
	p := plan.Plan{Name: "x", Hosts: []plan.Host{{Name: "a", Address: "127.0.0.2"}, {Name: "b", Address: "127.0.0.3"}},
		Services: []plan.Service{{Name: "frontend", Host: "a", Ports: []plan.Port{{Service: "frontend", Use: "http", Number: 1}}}}}
	checks := ways(t.Context(), []plan.Plan{{Name: "here"}, p}, connections{"a": all["a"], "b": all["b"]})
	if len(checks) != 1 || checks[0].Code != codeNotUp ||
		!strings.Contains(checks[0].Found, "from b to a (127.0.0.2): port 1 (http of frontend): connection timed out") {
		t.Errorf("%+v", checks)
	}
}

func TestANodeOutsideOfItsAllocation(t *testing.T) {
	_, err := (&Env{}).dial(t.Context(), Target{Name: "c", Host: profile.Host{Transport: profile.Slurm, Node: "n1"}, Run: "r", Grace: time.Minute})
	if err == nil || !strings.Contains(err.Error(), "c: it is a node of a Slurm allocation, and this command is in none") {
		t.Errorf("%v", err)
	}
}
