package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// instance is a worker in the frontend's /health. Only the fakes have Type and Model.
type instance struct {
	Component string            `json:"component"`
	Endpoint  string            `json:"endpoint"`
	Namespace string            `json:"namespace"`
	ID        int               `json:"instance_id"`
	Transport map[string]string `json:"transport"`
	Type      string            `json:"type"` // prefill, decode or aggregated
	Model     string            `json:"model"`
}

// dynamoMocker registers in a file below DYN_FILE_KV and serves on its system port: /health
// and /metrics as recorded, and /generate, to which the fake frontend forwards requests.
// Faults of FAKE_WORKER:
//
//	exit N        at the start
//	never-ready
//	slow N        it is ready after N ms
//	absent        it is ready, but not registered
//	stubborn      it ignores SIGTERM
//	flood N       it writes N MiB to its log
//	shm N         it maps /dev/shm/topobench-fake-N and leaves it behind
//	load-shm N    the same, and it is never ready
//	leave N       once its metrics show N requests, it unregisters, answers 503, and runs on
//
// From the Nth request on:
//
//	die N         it exits
//	hang N        requests hang, and its health is good
//	restart N     it executes itself again
//	unwell N      requests hang, it unregisters, and its health is 503
//	engine N      its child dies, requests fail, and its health is good
func dynamoMocker(args []string) int {
	startChildren()
	fails, n := fault("WORKER")
	if fails == "exit" {
		fmt.Printf("INFO loading the model\nERROR: engine core failed to start\nending with %d\n", n)
		return n
	}
	address := os.Getenv("DYN_SYSTEM_HOST") + ":" + os.Getenv("DYN_SYSTEM_PORT")
	if fails != "absent" {
		if err := register(address, flags(args)); err != nil {
			fmt.Println("ERROR:", err)
			return 1
		}
	}
	w := &mocker{address: address, state: "ready", fails: fails, n: int64(n), began: time.Now()}
	switch fails {
	case "never-ready":
		w.state = "notready"
	case "leave":
		w.leaves = int64(n)
	case "engine":
		w.engine = spawn(&syscall.SysProcAttr{Setsid: true}, "stubborn")
	case "load-shm":
		w.state = "notready"
		fallthrough
	case "shm":
		if err := mapFile("/dev/shm/topobench-fake-" + strconv.Itoa(n)); err != nil {
			fmt.Println("ERROR:", err)
			return 1
		}
	case "flood":
		floods([]string{strconv.Itoa(n)})
	}
	code := serve(address, w.handler())
	if fails == "stubborn" {
		return hang() // serve catches the signals until the process ends
	}
	return code
}

// register writes the worker's file in one step, because the frontend may be reading it.
func register(address string, f map[string]string) error {
	i := instance{Component: "backend", Endpoint: "generate", Namespace: os.Getenv("DYN_NAMESPACE"), ID: os.Getpid(),
		Transport: map[string]string{"tcp": address}, Type: f["disaggregation-mode"], Model: f["model-name"]}
	switch i.Type {
	case "":
		i.Type = "aggregated"
	case "prefill":
		i.Component = "prefill"
	}
	if i.Model == "" {
		i.Model = f["model-path"]
	}
	data, err := json.Marshal(i)
	if err != nil {
		return err
	}
	path := registration(address)
	if err := os.WriteFile(path+".new", data, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

func registration(address string) string {
	return filepath.Join(os.Getenv("DYN_FILE_KV"), strings.ReplaceAll(address, ":", "-")+".json")
}

type mocker struct {
	address  string
	state    string // of the endpoint generate
	fails    string
	n        int64 // the request with which it fails
	began    time.Time
	engine   *os.Process
	leaves   int64 // the number of requests after which it unregisters; 0 = never
	gone     atomic.Bool
	requests atomic.Int64
}

func (m *mocker) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) {
		if m.fails == "slow" && time.Since(m.began) < time.Duration(m.n)*time.Millisecond {
			http.Error(w, `{"status":"notready","endpoints":{"generate":"notready"}}`, http.StatusServiceUnavailable)
			return
		}
		// The real mocker reports "notready" here while generate is ready.
		fmt.Fprintf(w, `{"status":"notready","uptime":{"secs":5,"nanos":0},"endpoints":{"generate":%q}}`, m.state)
	})
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "# TYPE dynamo_component_requests_total counter\n"+
			"dynamo_component_requests_total{dynamo_endpoint=\"generate\"} %d\n"+
			"dynamo_component_requests_total{dynamo_endpoint=\"worker_kv_query_source\"} 7\n", m.requests.Load())
		if m.leaves > 0 && m.requests.Load() >= m.leaves && m.gone.CompareAndSwap(false, true) {
			if err := os.Remove(registration(m.address)); err != nil {
				fmt.Println("ERROR:", err)
			}
		}
	})
	mux.HandleFunc("POST /generate", func(w http.ResponseWriter, r *http.Request) {
		if m.requests.Add(1) >= m.n {
			m.fail(w, r)
		}
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if m.gone.Load() {
			http.Error(w, `{"status":"notready","endpoints":{}}`, http.StatusServiceUnavailable)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// fail handles the requests from the Nth on, with the worker's fault.
func (m *mocker) fail(w http.ResponseWriter, r *http.Request) {
	switch m.fails {
	case "die":
		fmt.Printf("ERROR: illegal memory access at request %d\n", m.n)
		os.Exit(1)
	case "hang":
		<-r.Context().Done()
	case "restart":
		fmt.Println("ERROR: restarting:", syscall.Exec(os.Args[0], os.Args, os.Environ()))
	case "unwell":
		if m.gone.CompareAndSwap(false, true) {
			_ = os.Remove(registration(m.address)) // no other code removes it
		}
		<-r.Context().Done()
	case "engine":
		if err := m.engine.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			fmt.Println("ERROR:", err)
		}
		http.Error(w, "the engine is dead", http.StatusInternalServerError)
	}
}

// healthy is a worker at the address in args.
func healthy(args []string) int {
	return serve(args[0], (&mocker{state: "ready"}).handler())
}
