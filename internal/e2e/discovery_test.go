//go:build real

package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"topobench/internal/host"
	"topobench/internal/programs"
	"topobench/internal/testbed"
)

// TestLongDiscovery runs one cell with each kind of discovery. topobench must not stop
// external servers.
func TestLongDiscovery(t *testing.T) {
	f := newFixture(t)
	servers := f.ports + topobenchPorts
	etcd := f.etcd(servers, servers+1)
	nats := f.nats(servers+2, servers+3)
	const none = "discovery: {etcd: none, nats: none}"
	external := fmt.Sprintf("discovery: {etcd: %q, nats: \"nats://127.0.0.1:%d\"}", etcd.url, servers+2)
	r := f.start("run", "run", f.disagg("files"), f.disagg("own", none, "discovery: {etcd: start, nats: start}"),
		f.disagg("external", none, external), f.disagg("stale", none, external))
	r.first("a cell with the external etcd begins", func(e event) bool {
		return e.Event == "cell-begin" && e.Topology == "external"
	})
	stale := etcd.keys(f)
	r.first("the next topology begins", func(e event) bool {
		return e.Event == "launch-begin" && e.Topology == "stale"
	})
	etcd.put(f, stale) // F-17: a killed worker leaves its keys behind
	r.ends(0)
	r.clean()
	r.checkUpstream("files_disaggregated,1.0", "own_disaggregated,1.0", "external_disaggregated,1.0",
		"stale_disaggregated,1.0")
	if left := etcd.keys(f); len(stale) < 2 || len(left) != len(stale) {
		t.Errorf("%d keys of an earlier launch before, and %d at the end", len(stale), len(left))
	}

	for _, server := range []server{etcd, nats} {
		select {
		case <-server.child.Done():
			t.Fatalf("%s was stopped: %v", server.child.Name(), server.child.Exit())
		default:
		}
	}
	if connections := nats.connections(f); connections == 0 {
		t.Error("no process has connected to the external NATS")
	}
}

// server is an external server, which the test runs and topobench only uses.
type server struct {
	child *host.Child
	url   string // of its HTTP interface
}

func (f fixture) etcd(port, peerPort int) server {
	f.Helper()
	client, peer := fmt.Sprintf("http://127.0.0.1:%d", port), fmt.Sprintf("http://127.0.0.1:%d", peerPort)
	return f.server("etcd", client, "/health", []string{f.programs[programs.Etcd].Path,
		"--data-dir", filepath.Join(f.dir, "etcd"),
		"--listen-client-urls", client, "--advertise-client-urls", client,
		"--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", "default=" + peer})
}

func (f fixture) nats(port, monitor int) server {
	f.Helper()
	argv := []string{f.programs[programs.NATS].Path, "-js", "-sd", filepath.Join(f.dir, "nats"), "-a", "127.0.0.1",
		"-p", strconv.Itoa(port), "-m", strconv.Itoa(monitor)}
	return f.server("nats", fmt.Sprintf("http://127.0.0.1:%d", monitor), "/healthz", argv)
}

// server starts a server and waits until it is healthy.
func (f fixture) server(name, url, health string, argv []string) server {
	f.Helper()
	log := filepath.Join(f.dir, name+".log")
	child, err := host.Starter{}.Start(host.Spec{Name: name, Argv: argv, Env: f.Env(), Log: log, Grace: 5 * time.Second})
	f.check(err)
	f.Cleanup(func() {
		if err := child.Stop(f.Context()); err != nil {
			f.Error(err)
		}
	})
	if !testbed.Soon(patience, func() bool { _, err := request(http.MethodGet, url+health, ""); return err == nil }) {
		f.Fatalf("%s is not healthy:\n%s", name, f.read(log))
	}
	return server{child, url}
}

// pair is a key of etcd with its value, as base64.
type pair struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// keys returns all keys of etcd.
func (s server) keys(f fixture) []pair {
	f.Helper()
	text, err := request(http.MethodPost, s.url+"/v3/kv/range", `{"key": "AA==", "range_end": "AA=="}`)
	f.check(err)
	var answer struct{ Kvs []pair }
	f.check(json.Unmarshal([]byte(text), &answer))
	return answer.Kvs
}

// put writes keys without a lease, so they never expire.
func (s server) put(f fixture, pairs []pair) {
	f.Helper()
	for _, p := range pairs {
		body, err := json.Marshal(p)
		f.check(err)
		_, err = request(http.MethodPost, s.url+"/v3/kv/put", string(body))
		f.check(err)
	}
}

// connections is the number of connections that NATS has accepted.
func (s server) connections(f fixture) int {
	f.Helper()
	text, err := request(http.MethodGet, s.url+"/varz", "")
	f.check(err)
	var answer struct {
		Total int `json:"total_connections"`
	}
	f.check(json.Unmarshal([]byte(text), &answer))
	return answer.Total
}
