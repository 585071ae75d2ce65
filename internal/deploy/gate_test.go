package deploy

import (
	"net"
	"strings"
	"testing"

	"topobench/internal/host"
	"topobench/internal/plan"
)

// routed is 3-2p1d a moment later. At the recorded moment /health counted both
// prefill workers and the router's /ready still one: that is not ready.
func routed(t testing.TB) state {
	t.Helper()
	return recordedState(t, "3-2p1d").with(t, "/v1/models/tiny/ready", `"prefill":{"workers":1`, `"prefill":{"workers":2`)
}

// Only one state of all those recorded of a real frontend opens a gate for 2P1D.
func TestGateFrontend(t *testing.T) {
	const ghost = `"instances":[{"component":"prefill","endpoint":"generate","namespace":"bench","instance_id":1},`
	const foreign = `"instances":[{"component":"backend","endpoint":"generate","namespace":"other","instance_id":1},`
	without := routed(t)
	delete(without, "/v1/models/tiny/ready")
	for _, row := range []struct {
		why  string
		now  state
		want string // of the error; "" = open
	}{
		{"nothing has registered", recordedState(t, "0-no-workers"), "0 of 2 prefill, 0 of 1 serving"},
		{"one of three", recordedState(t, "1-one-prefill"), "1 of 2 prefill, 0 of 1 serving"},
		{"the model is listed and ready, with a prefill worker less than planned", recordedState(t, "2-1p1d"), "instances: 1 of 2 prefill, 1 of 1 serving"},
		{"all are registered, and the router has not seen it yet", recordedState(t, "3-2p1d"), "router: 1 of 2 prefill, 1 of 1 serving"},
		{"all are registered and routed to", routed(t), ""},
		{"before Dynamo 1.3 there is no /ready", without, ""},
		{"decode was killed, and its key lives on", recordedState(t, "4-decode-killed-1s"), "router: 1 of 2 prefill"},
		{"decode is gone", recordedState(t, "5-decode-killed-13s"), "2 of 2 prefill, 0 of 1 serving"},
		{"a ghost of another launch is one too many", routed(t).with(t, "/health", `"instances":[`, ghost), "3 of 2 prefill"},
		{"another namespace is not ours", routed(t).with(t, "/health", `"instances":[`, foreign), ""},
		{"the router is not ready for a reason of its own", routed(t).with(t, "/v1/models/tiny/ready", `"ready":true`, `"ready":false`), "router: 2 of 2 prefill"},
		{"the router takes another namespace too", routed(t).with(t, "/v1/models/tiny/ready", `"namespaces":{`, `"namespaces":{"bench-two":{"worker_types":{"prefill":{"workers":1}}},`), "router: it sends to the workers of bench-two too"},
		{"another namespace has no worker", routed(t).with(t, "/v1/models/tiny/ready", `"namespaces":{`, `"namespaces":{"bench-two":{"worker_types":{}},`), ""},
		{"the model is not listed", routed(t).with(t, "/v1/models", `{"id":"tiny"`, `{"id":""`), "model is not listed"},
		{"a foreign model", routed(t).with(t, "/v1/models", `"tiny"`, `"huge"`), "the server lists huge, not tiny: is it ours?"},
		{"no JSON at all", state{"/health": {200, "<html>"}}, "cannot read /health"},
		{"an answer of another program", state{"/health": {200, "[]"}}, "cannot read /health"},
		{"the router answers nonsense", func() state { s := routed(t); s["/v1/models/tiny/ready"] = answer{200, "?"}; return s }(), "cannot read /ready"},
	} {
		check(t, row.why, gate2P1D(serve(t, still(row.now))), row.want)
	}
}

func check(t *testing.T, why string, g plan.Gate, want string) {
	t.Helper()
	err := NewProber(host.Local{}).Gate(t.Context(), g)
	switch {
	case want == "" && err != nil:
		t.Errorf("%s: %v, want it open", why, err)
	case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
		t.Errorf("%s: %v, want %q", why, err, want)
	}
}

func TestGateFrontendWithAggregatedWorkers(t *testing.T) {
	g := gate2P1D(serve(t, still(recordedState(t, "2-1p1d").with(t, "/health", `"component":"prefill","endpoint":"generate"`, `"component":"backend","endpoint":"generate"`).
		with(t, "/v1/models/tiny/ready", `"decode":{"workers":1,"needs":[["prefill"]]},"prefill":{"workers":1`, `"aggregated":{"workers":2`))))
	g.Prefill, g.Decode, g.Aggregate = 0, 0, 2
	check(t, "two that serve", g, "")
	g.Aggregate = 3
	check(t, "one is missing", g, "2 of 3 serving")
}

func TestGateWorker(t *testing.T) {
	said := file(t, "prefill-health.txt")
	for _, row := range []struct {
		why  string
		now  state
		want string
	}{
		{"the recorded mocker is notready and serves", state{"/health": {503, said}}, ""},
		{"its endpoint is not ready", state{"/health": {200, strings.Replace(said, `"generate":"ready"`, `"generate":"notready"`, 1)}}, `generate is "notready"`},
		{"its endpoint is not there yet", state{"/health": {200, `{"status":"ready","endpoints":{}}`}}, "not registered"},
		{"no JSON", state{"/health": {200, "OK"}}, "cannot read /health"},
	} {
		check(t, row.why, plan.Gate{Kind: plan.GateWorker, Address: serve(t, still(row.now))}, row.want)
	}
	check(t, "nothing listens", plan.Gate{Kind: plan.GateWorker, Address: closed(t)}, "does not answer yet")
}

func TestGateVLLM(t *testing.T) {
	const models = `{"data":[{"id":"tiny"}]}`
	for _, row := range []struct {
		why  string
		now  state
		want string
	}{
		{"healthy, and our model", state{"/health": {200, ""}, "/v1/models": {200, models}}, ""},
		{"still loading", state{"/health": {503, ""}, "/v1/models": {200, models}}, ": 503"},
		{"another model", state{"/health": {200, ""}, "/v1/models": {200, strings.Replace(models, "tiny", "big", 1)}}, "lists big"},
		{"no list", state{"/health": {200, ""}, "/v1/models": {200, "?"}}, "cannot read /v1/models"},
		{"it requires a key", state{"/health": {200, ""}, "/v1/models": {401, `{"error":"Unauthorized"}`}}, "401"},
	} {
		check(t, row.why, plan.Gate{Kind: plan.GateVLLM, Model: "tiny", Address: serve(t, still(row.now))}, row.want)
	}
}

// A server of engine command has its pages where the profile has them.
func TestGateServer(t *testing.T) {
	const models = `{"data":[{"id":"tiny"}]}`
	gate := func(now state) plan.Gate {
		return plan.Gate{Kind: plan.GateServer, Model: "tiny", Address: serve(t, still(now)), Path: "/up", Models: "/list"}
	}
	check(t, "healthy, and our model", gate(state{"/up": {200, ""}, "/list": {200, models}}), "")
	check(t, "still loading", gate(state{"/up": {503, ""}, "/list": {200, models}, "/health": {200, ""}}), "/up: 503")
	check(t, "another list", gate(state{"/up": {200, ""}, "/v1/models": {200, models}}), "/list: 404\n  the server has no such page: correct command.health or command.models")
	check(t, "a key", gate(state{"/up": {401, ""}}), "/up: 401\n  the server requires a key, which no probe sends: remove it from command.argv")
	check(t, "no list", gate(state{"/up": {200, ""}, "/list": {200, "?"}}), "cannot read /list of 127.0.0.1:")
}

func TestGateHTTPAndListens(t *testing.T) {
	up := serve(t, still(state{"/health": {200, `{"health":"true"}`}}))
	check(t, "etcd is healthy", plan.Gate{Kind: plan.GateHTTP, Address: up, Path: "/health"}, "")
	check(t, "no such path", plan.Gate{Kind: plan.GateHTTP, Address: up, Path: "/healthz"}, ": 404")
	check(t, "nothing listens", plan.Gate{Kind: plan.GateListens, Address: closed(t)}, "refused")
	check(t, "an unknown gate", plan.Gate{Kind: "window"}, `"window"`)

	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	check(t, "it accepts", plan.Gate{Kind: plan.GateListens, Address: l.Addr().String()}, "")
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if n, err := conn.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Error("the balancer was sent something: the guide's counts that against a backend")
	}
}

// A redirect or a proxy would send the question elsewhere.
func TestNoRedirectIsFollowed(t *testing.T) {
	check(t, "moved", plan.Gate{Kind: plan.GateHTTP, Address: serve(t, still(state{"/health": {302, ""}})), Path: "/health"}, ": 302")
	t.Setenv("HTTP_PROXY", "http://"+closed(t))
	check(t, "a proxy is set", plan.Gate{Kind: plan.GateHTTP, Address: serve(t, still(state{"/health": {200, ""}})), Path: "/health"}, "")
}
