//go:build kube

package e2e_test

import (
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"topobench/internal/programs"
	"topobench/internal/testbed"
)

const (
	dynamoImage = "nvcr.io/nvidia/ai-dynamo/dynamo-planner:1.6.1" // the name that Dynamo's own templates have
	nginxImage  = "localhost/nginx:1"
)

// cluster is a real Kubernetes of one node, with a stand-in of NVIDIA's operator.
type cluster struct {
	fixture
	run string   // directory of the node: logs, and the socket of the API server
	env []string // with KUBECONFIG and the cluster's own kubectl on PATH
}

// newCluster starts the node and awaits it. Without root or the programs of setup.sh kube the test is skipped.
func newCluster(t *testing.T) cluster {
	t.Helper()
	cache := programs.CacheDir(os.Getenv)
	dir := filepath.Join(cache, "kube")
	for _, need := range []struct{ path, why string }{
		{"/sys/fs/cgroup/memory", "the node needs cgroup v1"},
		{filepath.Join(cache, "debs/kube/.complete"), "there is no containerd: run make test-kube"},
		{filepath.Join(dir, ".operator"), "there is no Kubernetes: run make test-kube"},
	} {
		if _, err := os.Stat(need.path); err != nil {
			t.Skip(need.why)
		}
	}
	if os.Geteuid() != 0 {
		t.Skip("only root can run a node of Kubernetes")
	}
	f := aloneFixture(t)
	c := cluster{fixture: f, run: filepath.Join(f.dir, "node")}
	images := filepath.Join(f.dir, "images")
	c.script("images.sh", images, dynamoImage, nginxImage)
	node := exec.Command("../scripts/kube/node.sh", images, c.run)
	node.Env, node.Stderr = f.Env(os.Environ()...), os.Stderr
	node.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	started, ended, begun := make(chan error), make(chan error, 1), time.Now()
	go func() {
		runtime.LockOSThread() // the signal comes with the end of the thread
		started <- node.Start()
		ended <- node.Wait()
	}()
	c.check(<-started)
	testbed.Eventually(t, patience, func() bool { return c.exists("ready") || len(ended) > 0 })
	t.Cleanup(func() {
		c.check(node.Process.Signal(syscall.SIGTERM))
		c.check(<-ended)
	})
	if !c.exists("ready") {
		t.Fatalf("the node did not start: %v", <-ended)
	}
	t.Logf("figure: the node was ready after %v", time.Since(begun).Round(100*time.Millisecond))
	c.connect(dir)
	return c
}

// part is a test in a cluster that it shares with others.
type part struct {
	name string
	test func(cluster)
}

// parts runs tests in the cluster: first those that measure times, stop the API server or change the environment, one
// after another, and then the others, which mostly wait, together.
func (c cluster) parts(alone, together []part) {
	for _, kv := range c.env {
		if name, value, _ := strings.Cut(kv, "="); name == "KUBECONFIG" || name == "PATH" {
			c.Setenv(name, value)
		}
	}
	for i, p := range slices.Concat(alone, together) {
		c.Run(p.name, func(t *testing.T) {
			if i >= len(alone) {
				t.Parallel()
			}
			c := c
			c.T, c.dir = t, t.TempDir()
			defer c.shows()
			p.test(c)
		})
	}
}

// shows prints what the cluster has, if the test has failed.
func (c cluster) shows() {
	if !c.Failed() {
		return
	}
	for _, what := range []string{"get dgd,pods -A -o wide", "describe nodes"} {
		out, _ := c.tryKubectl("", strings.Fields(what)...) // it may have been stopped
		lines := strings.SplitAfter(out, "\n")
		c.Logf("kubectl %s:\n%s", what, strings.Join(lines[max(0, len(lines)-60):], ""))
	}
}

func (c cluster) exists(name string) bool {
	_, err := os.Stat(filepath.Join(c.run, name))
	return err == nil
}

// script runs one of the cluster's scripts.
func (c cluster) script(name string, args ...string) {
	c.Helper()
	if out, err := exec.Command("../scripts/kube/"+name, args...).CombinedOutput(); err != nil {
		c.Fatalf("%s: %v\n%s", name, err, out)
	}
}

// connect leads a port of this machine to the API server, which listens in the node's own network.
func (c *cluster) connect(dir string) {
	c.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	c.check(err)
	c.Cleanup(func() { listener.Close() })
	go func() {
		for {
			from, err := listener.Accept()
			if err != nil {
				return // closed
			}
			to, err := net.Dial("unix", filepath.Join(c.run, "api.sock"))
			if err != nil {
				from.Close()
				continue
			}
			go pipe(to.(*net.UnixConn), from)
			go pipe(from.(*net.TCPConn), to)
		}
	}()
	config := strings.ReplaceAll(c.read(filepath.Join(c.run, "kubeconfig")), "127.0.0.1:6443", listener.Addr().String())
	// The context nobody is that of a user without rights.
	config = strings.Replace(config, "contexts: [", "contexts: [{name: nobody, context: {cluster: test, user: nobody}}, ", 1)
	config = regexp.MustCompile(`{name: admin, user: {(.*?)}}`).ReplaceAllString(config, "$0, {name: nobody, user: {as: nobody, $1}}")
	path := filepath.Join(c.dir, "kubeconfig")
	c.check(os.WriteFile(path, []byte(config), 0o600))
	c.env = append(c.Env(os.Environ()...), "KUBECONFIG="+path, "PATH="+dir+":"+os.Getenv("PATH"))
}

func pipe(to interface {
	io.Writer
	CloseWrite() error
}, from io.Reader) {
	_, _ = io.Copy(to, from) // the other side sees the end
	_ = to.CloseWrite()
}

// kubectl runs kubectl with an input, and fails the test where it fails.
func (c cluster) kubectl(input string, args ...string) string {
	c.Helper()
	out, err := c.tryKubectl(input, args...)
	if err != nil {
		c.Fatalf("kubectl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

func (c cluster) tryKubectl(input string, args ...string) (string, error) {
	command := exec.Command(filepath.Join(programs.CacheDir(os.Getenv), "kube", "kubectl"), args...)
	command.Env, command.Stdin = c.env, strings.NewReader(input)
	out, err := command.CombinedOutput()
	return string(out), err
}

// namespace makes one for a test.
func (c cluster) namespace(name string) []string {
	c.Helper()
	c.kubectl("", "create", "namespace", name)
	c.Cleanup(func() {
		if c.Failed() {
			out, _ := c.tryKubectl("", "-n", name, "get", "events", "--sort-by=.metadata.creationTimestamp") // it may have been stopped
			c.Logf("events in the namespace %s:\n%s", name, out)
		}
	})
	testbed.Eventually(c.T, patience, func() bool {
		_, err := c.tryKubectl("", "-n", name, "get", "serviceaccount", "default")
		return err == nil
	})
	return []string{"--kube", "--kube-namespace", name, "--kube-image", dynamoImage, "--concurrency", "1", "--isl", "100", "--osl", "32",
		"--set", "kubernetes.balancer_image=" + nginxImage, "--set", "kubernetes.model_storage.host_path=" + filepath.Dir(tiny())}
}

// plan prints the script of profiles, and returns its path.
func (c cluster) plan(name string, args ...string) string {
	c.Helper()
	path := filepath.Join(c.dir, name+".sh")
	c.check(os.WriteFile(path, []byte(c.start(name, append([]string{"plan"}, args...)...).ends(0)), 0o600))
	return path
}

// bash runs a printed script.
func (c cluster) bash(path string) (string, error) {
	command := exec.Command("bash", path)
	command.Env = c.env
	out, err := command.CombinedOutput()
	return string(out), err
}

// objects are those of every kind that a run makes, and Dynamo's own.
func (c cluster) objects(namespace string, args ...string) string {
	c.Helper()
	return c.kubectl("", append([]string{"-n", namespace, "get", "jobs,dgd,deployments,services,pods,configmaps,dwm", "-o", "name"}, args...)...)
}

// lap prints how long a step took.
func (c cluster) lap(step string, since time.Time) {
	c.Logf("figure: %s: %v", step, time.Since(since).Round(100*time.Millisecond))
}
