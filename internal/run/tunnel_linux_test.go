package run

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"topobench/internal/aiperf"
	"topobench/internal/plan"
	"topobench/internal/testbed"
)

// listening starts the plain program under a name, and returns its address once it answers.
func listening(t *testing.T, name string) (address string) {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address = free.Addr().String()
	program := filepath.Join(t.TempDir(), name)
	text, err := os.ReadFile(testbed.Program())
	if err == nil {
		err = os.WriteFile(program, text, 0o700)
	}
	if err := errors.Join(err, free.Close()); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, testbed.ChildCommand, "healthy", address)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
	})
	testbed.Eventually(t, 10*time.Second, func() bool {
		resp, err := http.Get("http://" + address + "/health")
		if err != nil {
			return false
		}
		_, err = io.Copy(io.Discard, resp.Body)
		return err == nil && resp.Body.Close() == nil
	})
	return address
}

// A tunnel is measured with the server behind it, and so it is named, once and in each cell.
func TestC06ATunnelIsNamed(t *testing.T) {
	for name, is := range map[string]bool{"ssh": true, "kubectl": true, "vllm": false} {
		c, screen := newRunner(t, Options{})
		address := listening(t, name)
		p := plan.Plan{Load: aiperf.Load{URLs: []string{"http://" + address}}}
		found := c.tunnel(t.Context(), p)
		c.Screen.Close()
		_, port, _ := net.SplitHostPort(address)
		if named := strings.Contains(found, "("+name+")") && strings.Contains(found, "port "+port); named != is {
			t.Errorf("%s: %q", name, found)
		}
		if shown := strings.Contains(screen.String(), found) && found != ""; shown != is {
			t.Errorf("%s: the screen shows %q", name, screen)
		}
		p.Services = []plan.Service{{Name: "aggregated-0"}}
		if found := c.tunnel(t.Context(), p); found != "" {
			t.Errorf("%s, but the server is ours: %q", name, found)
		}
	}
}

func TestLoopbackPorts(t *testing.T) {
	urls := []string{"http://localhost:1", "http://127.0.0.1:2", "http://[::1]:3", "https://localhost", "http://LOCALHOST", "http://h:4", "http://10.0.0.1:5"}
	want := []int{1, 2, 3, 443, 80}
	got := loopbackPorts(urls)
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
