package ssh_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"topobench/internal/host/agent"
)

// shell is a host that is this machine: the command runs after a few commands of the test.
type shell struct {
	before  string
	program []string // sh -c unless given
	count   *int     // of Argv
	aborts  *int
}

func (s shell) Argv(command string) []string {
	if s.count != nil {
		*s.count++
	}
	if s.program == nil {
		s.program = []string{"sh", "-c"}
	}
	return append(s.program, s.before+command)
}
func (s shell) Explain(string, int) error { return nil }
func (s shell) String() string            { return "a shell" }
func (s shell) Abort(context.Context) error {
	if s.aborts != nil {
		*s.aborts++
	}
	return nil
}

func TestBinaryIsCopiedOnce(t *testing.T) {
	b := newBed(t)
	count := 0
	d := b.dial(shell{before: "echo Welcome; echo to this machine; ", count: &count}, "HOME="+b.dir, "TMPDIR="+b.dir)
	hello := b.connect(d)
	if dir := filepath.Dir(hello.Exe); dir != filepath.Join(b.dir, ".cache", "topobench") {
		t.Errorf("it runs from %s", hello.Exe)
	}
	if info, err := os.Stat(hello.Exe); err != nil || info.Mode() != 0o700 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if count != 3 || hello.Run != "r1-node1" {
		t.Errorf("%d connections for run %s, want 3: look, copy, start", count, hello.Run)
	}
	if more, err := filepath.Glob(b.dir + "/topobench-*"); len(more) > 0 || err != nil {
		t.Errorf("another place was made: %v, %v", more, err)
	}
	count = 0
	if again := b.connect(d); again.Exe != hello.Exe || count != 1 {
		t.Errorf("then %d connections, want 1: %s", count, again.Exe)
	}
}

// What is in the place of the copy is not executed unless it can be the copy.
func TestDamagedCopyIsReplaced(t *testing.T) {
	for _, row := range []struct {
		name   string
		damage func(exe string) error
	}{
		{"cut", func(exe string) error { return os.Truncate(exe, 20) }},
		{"gone", os.Remove},
		{"not executable", func(exe string) error { return os.Chmod(exe, 0o600) }},
	} {
		t.Run(row.name, func(t *testing.T) {
			b := newBed(t)
			count := 0
			d := b.dial(shell{count: &count}, "HOME="+b.dir)
			exe := b.connect(d).Exe
			if err := row.damage(exe); err != nil {
				t.Fatal(err)
			}
			if again := b.connect(d).Exe; again != exe || count != 6 {
				t.Errorf("%s instead of %s after %d connections", again, exe, count)
			}
		})
	}
}

func TestFirstUsablePlaceHasTheCopy(t *testing.T) {
	b := newBed(t)
	for _, dir := range []string{"home/.cache/topobench", "temp"} {
		if err := os.MkdirAll(filepath.Join(b.dir, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	// Anybody could put a program into this one.
	if err := os.Chmod(filepath.Join(b.dir, "home/.cache/topobench"), 0o777); err != nil {
		t.Fatal(err)
	}
	file := b.write("file", "", 0o600) // no directory can be made below it
	exe := b.connect(b.dial(shell{}, "XDG_CACHE_HOME="+file, "HOME="+b.dir+"/home", "TMPDIR="+b.dir+"/temp")).Exe
	if filepath.Dir(filepath.Dir(exe)) != filepath.Join(b.dir, "temp") {
		t.Errorf("it runs from %s", exe)
	}
}

func TestOldCopiesAreRemoved(t *testing.T) {
	b := newBed(t)
	old := b.write(".cache/topobench/agent-0123456789abcdef", "", 0o700)
	recent := b.write(".cache/topobench/agent-fedcba9876543210", "", 0o700)
	other := b.write(".cache/topobench/tools/agent-of-others", "", 0o700)
	used := b.connect(b.dial(shell{}, "HOME="+b.dir)).Exe
	month := time.Now().AddDate(0, 0, -40)
	for _, path := range []string{old, other, used} {
		if err := os.Chtimes(path, month, month); err != nil {
			t.Fatal(err)
		}
	}
	b.connect(b.dial(shell{}, "HOME="+b.dir)) // a use
	if info, err := os.Stat(used); err != nil || time.Since(info.ModTime()) > time.Hour {
		t.Errorf("the use of a copy does not show: %v, %v", info.ModTime(), err)
	}
	d := b.dial(shell{}, "HOME="+b.dir)
	d.Exe = b.write("upgraded", b.read(d.Exe)+"# another release\n", 0o700)
	b.connect(d)
	if _, err := os.Stat(used); err != nil {
		t.Errorf("the copy that was used: %v", err)
	}
	if _, err := os.Stat(old); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the old copy: %v", err)
	}
	for _, path := range []string{recent, other} {
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
}

func TestOtherSystemIsRefused(t *testing.T) {
	b := newBed(t)
	b.write("bin/uname", `#!/bin/sh
case $1 in -s) echo Linux;; -m) echo sparc64;; esac
`, 0o700)
	d := b.dial(shell{before: "PATH=" + b.dir + "/bin:$PATH; "}, "HOME="+b.dir)
	b.fails(d, "it is Linux sparc64", "hosts of one architecture")
}

func TestPathThatAShellChangesIsRefused(t *testing.T) {
	b := newBed(t)
	b.fails(b.dial(shell{}, "HOME="+b.dir+"/a$(reboot)"), "has characters that a shell changes", "XDG_CACHE_HOME")
}

// The places of a host are in a mount of their own.
func TestUnusablePlaces(t *testing.T) {
	if err := exec.Command("unshare", "-rm", "true").Run(); err != nil {
		t.Skip("this user may not mount in a namespace: ", err)
	}
	for _, row := range []struct {
		name, options string
		words         []string
	}{
		{"noexec", "noexec", []string{"mounted noexec", "XDG_CACHE_HOME"}},
		{"read-only", "ro", []string{"read-only", "XDG_CACHE_HOME"}},
		{"disk full", "size=64k", []string{"disk of the host is full", "df -h"}},
		{"no inodes", "nr_inodes=1", []string{"disk of the host is full", "df -h"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			b := newBed(t)
			mount := "mount -t tmpfs -o " + row.options + " tmpfs /tmp || exit 9; "
			d := b.dial(shell{before: mount, program: []string{"unshare", "-rm", "sh", "-c"}}, "HOME=/tmp/home")
			d.Exe = os.Args[0] // larger than the disk
			b.fails(d, row.words...)
		})
	}
}

func TestDamagedTransferIsRefused(t *testing.T) {
	b := newBed(t)
	b.fails(b.dial(shell{before: "gzip() { command gzip -dc | tail -c +2; }; "}, "HOME="+b.dir), "not what was sent")
	left, err := os.ReadDir(filepath.Join(b.dir, ".cache", "topobench"))
	if err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

func TestUnknownFailureIsQuoted(t *testing.T) {
	b := newBed(t)
	b.fails(b.dial(shell{before: "echo the moon is full >&2; exit 9; "}), "exit 9", "the moon is full")
	b.fails(b.dial(shell{before: "exit 8; "}), "exit 8")
	// Messages of an earlier connection are in the same log.
	b.fails(b.dial(shell{before: "echo No space left on device >&2; exit 9; "}), "disk of the host is full")
	b.fails(b.dial(shell{before: "exit 8; "}), "ended without a message")
	// The reason comes after many lines.
	b.fails(b.dial(shell{before: "yes a note | head -n 9000 >&2; echo the moon is full >&2; exit 9; "}), "the moon is full")
}

func TestConnectEndsWithItsContext(t *testing.T) {
	b := newBed(t)
	why := errors.New("no more time")
	ctx, cancel := context.WithTimeoutCause(t.Context(), 100*time.Millisecond, why)
	defer cancel()
	aborts := 0
	begin := time.Now()
	_, err := b.dial(shell{before: "sleep 60; ", aborts: &aborts}).Connect(ctx)
	if !errors.Is(err, why) || time.Since(begin) > soon || aborts == 0 {
		t.Errorf("%v after %v, %d aborts", err, time.Since(begin), aborts)
	}
}

func TestRecoverAbortsFirst(t *testing.T) {
	b := newBed(t)
	aborts := 0
	d := b.dial(shell{aborts: &aborts}, "HOME="+b.dir)
	if hello := b.connect(d); aborts != 0 || hello.Recovered != nil {
		t.Errorf("%d aborts at the first connection", aborts)
	}
	d.Recover = true
	if hello := b.connect(d); aborts != 1 || hello.Recovered == nil {
		t.Errorf("%d aborts, recovered %v", aborts, hello.Recovered)
	}
}

// The agent of a recovery is that of the running program, whatever has its path by then.
func TestARecoveryAfterAnUpgrade(t *testing.T) {
	b := newBed(t)
	program, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	own := b.write("topobench", string(program), 0o700)
	command := exec.Command(own, "upgrade", b.dir)
	command.Env = b.Env("HOME="+b.dir, "PATH="+os.Getenv("PATH"))
	out, err := command.CombinedOutput()
	used := strings.Fields(string(out))
	if err != nil || len(used) != 2 || used[0] != used[1] || filepath.Dir(used[0]) != filepath.Join(b.dir, ".cache", "topobench") {
		t.Errorf("%v: %s", err, out)
	}
}

// The cap on logs is an argument of the agent.
func TestTheAgentHasTheCapOnLogs(t *testing.T) {
	b := newBed(t)
	args := filepath.Join(b.dir, "args")
	none, limit := uint64(0), uint64(3<<20)
	for want, limit := range map[string]*uint64{"--log-cap 3145728B": &limit, "--log-cap 0B": &none, "": nil} {
		d := b.dial(shell{}, "HOME="+b.dir)
		d.Exe = b.write("agent", "#!/bin/sh\necho \"$@\" >"+args+"\n"+exeKey+"=$0 exec "+os.Args[0]+` "$@"`+"\n", 0o700)
		d.LogCap = limit
		b.connect(d)
		if got := b.read(args); !strings.Contains(got, want) || strings.Contains(got, "--log-cap") != (limit != nil) {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestRunIDIsAWord(t *testing.T) {
	b := newBed(t)
	d := b.dial(shell{})
	d.Run = "a;reboot"
	b.fails(d, `"a;reboot"`)
}

// The scripts pass through any login shell in single quotes.
func TestScriptsHaveNoSpecialCharacters(t *testing.T) {
	b := newBed(t)
	var seen []string
	d := b.dial(recording{shell{}, &seen}, "HOME="+b.dir)
	b.connect(d)
	for _, command := range seen {
		if i := strings.IndexAny(command, "'\\\n!"); i >= 0 {
			t.Errorf("%q in %s", command[i], command)
		}
	}
	if len(seen) != 3 {
		t.Errorf("%d scripts", len(seen))
	}
}

type recording struct {
	shell
	seen *[]string
}

func (r recording) Argv(command string) []string {
	*r.seen = append(*r.seen, command)
	return r.shell.Argv(command)
}

var _ agent.Transport = shell{}
