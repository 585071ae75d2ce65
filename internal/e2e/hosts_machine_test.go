//go:build hosts || engines

package e2e_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"topobench/internal/programs"
	"topobench/internal/testbed"
)

// machine is a machine of hosts.sh. Its process 1 ends when the test does.
type machine struct {
	*testing.T
	name, address string
	pid           int      // of its process 1, as this machine counts
	environ       []string // of commands
	logs          string   // directory for the output of its daemons
}

// needsMachines skips a test where machines cannot be made.
func needsMachines(t *testing.T) {
	t.Helper()
	if output, err := exec.Command("unshare", "--mount", "--net", "--pid", "--fork", "true").CombinedOutput(); err != nil {
		t.Skipf("machines with a network of their own need root: %v: %s", err, output)
	}
}

// boot starts a machine, without a link to others.
func boot(t *testing.T, name, address, path string) *machine {
	t.Helper()
	m := &machine{T: t, name: name, address: address, logs: t.TempDir(), environ: []string{"HOME=/home/root", "USER=root",
		"PATH=" + path, "TERM=dumb", "TOPOBENCH_CACHE=" + programs.CacheDir(os.Getenv)}}
	if path == fakePath {
		m.environ[len(m.environ)-1] = "TOPOBENCH_CACHE=/opt/cache" // without real programs
		m.environ = append(m.environ, "LC_FAKE_NVIDIA_SMI="+gpus)
	}
	script := exec.Command("../scripts/hosts.sh", name)
	script.Env = append(os.Environ(), "TOPOBENCH_CACHE="+programs.CacheDir(os.Getenv))
	script.Stderr = os.Stderr
	lifeline, err := script.StdinPipe()
	m.check(err)
	stdout, err := script.StdoutPipe()
	m.check(err)
	m.check(script.Start())
	t.Cleanup(func() {
		lifeline.Close()
		_ = script.Wait() // it is killed by its own end
	})
	if line, err := bufio.NewReader(stdout).ReadString('\n'); line != "ready\n" {
		t.Fatalf("%s does not start: %q, %v", name, line, err)
	}
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", script.Process.Pid))
	m.check(err)
	m.pid, err = strconv.Atoi(strings.TrimSpace(string(children)))
	m.check(err)
	return m
}

func (m *machine) check(err error) {
	m.Helper()
	if err != nil {
		m.Fatalf("%s: %v", m.name, err)
	}
}

// path is a file of the machine, as this machine names it.
func (m *machine) path(name string) string {
	return filepath.Join("/proc", strconv.Itoa(m.pid), "root", name)
}

// write makes a file of the machine.
func (m *machine) write(name, text string, mode fs.FileMode) {
	m.Helper()
	m.check(os.MkdirAll(filepath.Dir(m.path(name)), 0o755))
	m.check(os.WriteFile(m.path(name), []byte(text), mode))
	m.check(os.Chmod(m.path(name), mode)) // an umask takes bits away
}

// copies puts files of this machine there.
func (m *machine) copies(from string, to ...string) {
	m.Helper()
	text, err := os.ReadFile(from)
	m.check(err)
	for _, name := range to {
		m.write(name, string(text), 0o755)
	}
}

// command is a command that runs on the machine.
func (m *machine) command(argv ...string) *exec.Cmd {
	enter := []string{"--target", strconv.Itoa(m.pid), "--mount", "--uts", "--ipc", "--net", "--pid", "--root", "--wd", "--"}
	c := exec.Command("nsenter", append(enter, argv...)...)
	c.Env = m.environ
	return c
}

// sh runs a shell command on the machine, and returns its output.
func (m *machine) sh(format string, values ...any) string {
	m.Helper()
	line := fmt.Sprintf(format, values...)
	output, err := m.command("sh", "-c", line).CombinedOutput()
	if err != nil {
		m.Fatalf("%s: %s: %v\n%s", m.name, line, err, output)
	}
	return strings.TrimSpace(string(output))
}

// tries runs a shell command that may fail.
func (m *machine) tries(line string) bool { return m.command("sh", "-c", line).Run() == nil }

// daemon starts a program that runs until the machine ends.
func (m *machine) daemon(argv ...string) {
	m.Helper()
	log, err := os.Create(filepath.Join(m.logs, m.name+"-"+filepath.Base(argv[0])))
	m.check(err)
	defer log.Close()
	c := m.command(argv...)
	c.Stdout, c.Stderr = log, log
	m.check(c.Start())
	go func() { _ = c.Wait() }() // the end of the machine kills it
	m.Cleanup(func() {
		if m.Failed() {
			text, _ := os.ReadFile(log.Name())
			m.Logf("%s: %s:\n%s", m.name, argv[0], text)
		}
	})
}

// process is a process of a machine, as the machine counts.
type process struct {
	pid, parent int
	line        string // its command line
	environ     string
}

// processes are those of the machine, without the ones that have ended.
func (m *machine) processes() []process {
	m.Helper()
	stats, _ := filepath.Glob(m.path("/proc/[0-9]*/stat")) // the pattern is well formed
	var all []process
	for _, path := range stats {
		stat, err := os.ReadFile(path)
		line, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "cmdline"))
		environ, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "environ"))
		state := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		if err != nil || state[0] == "Z" || state[0] == "X" {
			continue // it has ended
		}
		p := process{line: spaced(line), environ: spaced(environ)}
		p.pid, _ = strconv.Atoi(filepath.Base(filepath.Dir(path)))
		p.parent, _ = strconv.Atoi(state[1])
		all = append(all, p)
	}
	return all
}

// spaced replaces the bytes that separate the words of a file of /proc.
func spaced(words []byte) string {
	return strings.TrimSpace(strings.ReplaceAll(string(words), "\x00", " "))
}

// find waits for a process with that beginning of its command line, and with the words.
func (m *machine) find(begin string, words ...string) process {
	m.Helper()
	var found process
	if !testbed.Soon(booted, func() bool {
		for _, p := range m.processes() {
			lacks := func(word string) bool { return !strings.Contains(p.line, word) }
			if strings.HasPrefix(p.line, begin) && !slices.ContainsFunc(words, lacks) {
				found = p
				return true
			}
		}
		return false
	}) {
		m.Fatalf("%s: no process %s with %q", m.name, begin, words)
	}
	return found
}

// files are the files below a directory of the machine.
func (m *machine) files(dir string) []string {
	m.Helper()
	var found []string
	err := filepath.WalkDir(m.path(dir), func(path string, entry fs.DirEntry, err error) error {
		if err == nil && path != m.path(dir) {
			found = append(found, strings.TrimPrefix(path, m.path("/")))
		}
		return err
	})
	if !errors.Is(err, fs.ErrNotExist) {
		m.check(err)
	}
	return found
}
