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

// TestRealDiscovery runs one cell with each way in which workers find each other.
// Servers that somebody else runs are used, and never stopped.
func TestRealDiscovery(t *testing.T) {
	b := newBed(t)
	servers := b.ports + topobenchPorts
	etcd := b.etcd(servers, servers+1)
	nats := b.nats(servers+2, servers+3)
	const none = "discovery: {etcd: none, nats: none}"
	external := fmt.Sprintf("discovery: {etcd: %q, nats: \"nats://127.0.0.1:%d\"}", etcd.url, servers+2)
	r := b.start("run", "run", b.disagg("files"), b.disagg("own", none, "discovery: {etcd: start, nats: start}"),
		b.disagg("external", none, external), b.disagg("stale", none, external))
	r.first("a cell with the external etcd begins", func(e event) bool { return e.Event == "cell-begin" && e.Topology == "external" })
	stale := etcd.keys(b)
	r.first("the next topology begins", func(e event) bool { return e.Event == "topology-begin" && e.Topology == "stale" })
	etcd.put(b, stale) // F-17: as a worker leaves them that was killed
	r.ends(0)
	r.clean()
	r.checkUpstream("files_disaggregated,1.0", "own_disaggregated,1.0", "external_disaggregated,1.0", "stale_disaggregated,1.0")
	if left := etcd.keys(b); len(stale) < 2 || len(left) != len(stale) {
		t.Errorf("%d keys of an earlier launch were there, and %d in the end", len(stale), len(left))
	}

	for _, server := range []server{etcd, nats} {
		select {
		case <-server.child.Done():
			t.Fatalf("%s was stopped: %v", server.child.Name(), server.child.Exit())
		default:
		}
	}
	if connections := nats.connections(b); connections == 0 {
		t.Error("nothing has connected to the external NATS")
	}
}

// server is one that the test runs, and topobench only uses.
type server struct {
	child *host.Child
	url   string // where it is asked
}

func (b bed) etcd(port, peerPort int) server {
	b.Helper()
	client, peer := fmt.Sprintf("http://127.0.0.1:%d", port), fmt.Sprintf("http://127.0.0.1:%d", peerPort)
	return b.server("etcd", client, "/health", []string{b.programs[programs.Etcd].Path, "--data-dir", filepath.Join(b.dir, "etcd"),
		"--listen-client-urls", client, "--advertise-client-urls", client,
		"--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", "default=" + peer})
}

func (b bed) nats(port, monitor int) server {
	b.Helper()
	return b.server("nats", fmt.Sprintf("http://127.0.0.1:%d", monitor), "/healthz", []string{b.programs[programs.NATS].Path,
		"-js", "-sd", filepath.Join(b.dir, "nats"), "-a", "127.0.0.1", "-p", strconv.Itoa(port), "-m", strconv.Itoa(monitor)})
}

// server starts a server and waits until it is healthy.
func (b bed) server(name, url, health string, argv []string) server {
	b.Helper()
	log := filepath.Join(b.dir, name+".log")
	child, err := host.Starter{}.Start(host.Spec{Name: name, Argv: argv, Env: b.Env(), Log: log, Grace: 5 * time.Second})
	b.check(err)
	b.Cleanup(func() {
		if err := child.Stop(b.Context()); err != nil {
			b.Error(err)
		}
	})
	if !testbed.Soon(patience, func() bool { _, err := ask(http.MethodGet, url+health, ""); return err == nil }) {
		b.Fatalf("%s is not healthy:\n%s", name, b.read(log))
	}
	return server{child, url}
}

// pair is a key of etcd with its value, as base64.
type pair struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// keys are all that etcd has.
func (s server) keys(b bed) []pair {
	b.Helper()
	text, err := ask(http.MethodPost, s.url+"/v3/kv/range", `{"key": "AA==", "range_end": "AA=="}`)
	b.check(err)
	var answer struct{ Kvs []pair }
	b.check(json.Unmarshal([]byte(text), &answer))
	return answer.Kvs
}

// put writes keys without a lease: they stay.
func (s server) put(b bed, pairs []pair) {
	b.Helper()
	for _, p := range pairs {
		body, err := json.Marshal(p)
		b.check(err)
		_, err = ask(http.MethodPost, s.url+"/v3/kv/put", string(body))
		b.check(err)
	}
}

// connections counts those that NATS has ever had.
func (s server) connections(b bed) int {
	b.Helper()
	text, err := ask(http.MethodGet, s.url+"/varz", "")
	b.check(err)
	var answer struct {
		Total int `json:"total_connections"`
	}
	b.check(json.Unmarshal([]byte(text), &answer))
	return answer.Total
}
