package e2e_test

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"topobench/internal/cli"
	"topobench/internal/host/agent"
	"topobench/internal/host/shepherd"
	"topobench/internal/programs"
	"topobench/internal/testbed"
)

// topobench is the first argument that makes the test binary topobench.
const topobench = "topobench"

func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case topobench:
			os.Exit(cli.Main(os.Args[2:], cli.OS()))
		case agent.Command: // a copy on another host or in a pod
			os.Exit(cli.Main(os.Args[1:], cli.OS()))
		case shepherd.Command:
			// Shepherds get no GORACE, so without End each would sleep for a second at its end.
			testbed.End(shepherd.Main(os.Args[2:]))
		}
	}
	testbed.Main(m)
}

// realPrograms finds the real programs. Without them the test is skipped; in CI it fails.
func realPrograms(t *testing.T) map[programs.Tool]programs.Found {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("topobench starts processes on Linux only")
	}
	found, err := programs.Search{Getenv: os.Getenv}.Find(programs.Python, programs.AIPerf, programs.Nginx, programs.Etcd, programs.NATS)
	if err == nil {
		_, err = os.Stat(tiny())
	}
	if err == nil && found[programs.Python].Source == "PATH" { // any Python, without Dynamo
		err = &programs.NotFoundError{Tool: programs.Python, Looked: []string{"cache: it has no Python"},
			Install: "make tools"}
	}
	switch {
	case err == nil:
	case os.Getenv("CI") == "true":
		t.Fatalf("run make tools: %v", err)
	default:
		t.Skipf("run make tools: %v", err)
	}
	return found
}

// tiny is the path of the model of all tests.
func tiny() string { return filepath.Join(programs.CacheDir(os.Getenv), "models", "tiny") }
