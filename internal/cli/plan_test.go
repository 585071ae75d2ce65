package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// runWithoutPrograms runs a command on a machine without the real programs, and returns its exit code and stderr.
func runWithoutPrograms(t *testing.T, ports string, args ...string) (code int, stderr string) {
	t.Helper()
	kernel := filepath.Join(t.TempDir(), "range")
	if err := os.WriteFile(kernel, []byte(ports), 0o644); err != nil {
		t.Fatal(err)
	}
	var out, faults bytes.Buffer
	env := &Env{Stdout: &out, Stderr: &faults, Screen: &faults, Environ: []string{"HOME=" + t.TempDir()}, PortRange: kernel}
	code = Main(append(args, "--artifacts-root-dir", t.TempDir()), env)
	return code, faults.String()
}

func TestWarningForEphemeralPorts(t *testing.T) {
	const warning = "topobench: warning: demo-disagg: 23100 (system of prefill-0), "
	commands := []string{"plan"}
	if runtime.GOOS == "linux" {
		commands = append(commands, "run", "up") // both end there, without programs
	}
	for _, command := range commands {
		for ports, want := range map[string]bool{"20000\t30000\n": true, "32768\t60999\n": false, "": false, "nonsense": false} {
			code, stderr := runWithoutPrograms(t, ports, command, "demo-disagg")
			if want != strings.Contains(stderr, warning) || code != codeOK && code != codeUsage {
				t.Errorf("%s with the range %q: exit %d, stderr\n%s", command, ports, code, stderr)
			}
		}
	}
}

// The error of plan has the faults of all profiles.
func TestPlanReportsAllFaults(t *testing.T) {
	var paths []string
	for _, name := range []string{"first", "second"} {
		path := filepath.Join(t.TempDir(), name+".yaml")
		text := "{name: " + name + ", kind: k, engine: mocker, model: m, frontend: {port: 23100}, aggregated: [{cuda_visible_devices: [0]}]}"
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	code, stderr := runWithoutPrograms(t, "", "plan", paths[0], paths[1])
	for _, path := range paths {
		if fault := path + ": port 23100 is used twice"; !strings.Contains(stderr, fault) || code != codeUsage {
			t.Errorf("exit %d, and no %q in\n%s", code, fault, stderr)
		}
	}
}
