package main

import (
	"cmp"
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
)

var (
	listenLine  = regexp.MustCompile(`(?m)^\s*listen\s+([^\s;]+)`)
	backendLine = regexp.MustCompile(`(?m)^\s*server\s+(\d[^\s;]+)`)
)

// nginx spreads requests over the servers of its configuration, round robin. It refuses the
// directive "bogus". Faults of FAKE_NGINX:
//
//	hang-check   nginx -t never ends
//	lopsided N   all requests after the first N go to the first server
//	eject N      the same, after three logged faults of the second server
func nginx(args []string) int {
	if slices.Contains(args, "-v") {
		fmt.Fprintln(os.Stderr, "nginx version: nginx/1.22.1")
		return 0
	}
	path := flags(args)["c"]
	conf, err := os.ReadFile(path)
	if err != nil {
		fmt.Fprintln(os.Stderr, "nginx: [emerg]", err)
		return 1
	}
	if at := strings.Index(string(conf), "bogus"); at >= 0 {
		line := 1 + strings.Count(string(conf[:at]), "\n")
		fmt.Fprintf(os.Stderr, "nginx: [emerg] unknown directive \"bogus\" in %s:%d\n", path, line)
		return 1
	}
	if slices.Contains(args, "-t") {
		if fails, _ := fault("NGINX"); fails == "hang-check" {
			return hang()
		}
		return 0
	}
	backends := backendLine.FindAllSubmatch(conf, -1)
	fails, even := fault("NGINX")
	var turns atomic.Int64
	return serve(string(listenLine.FindSubmatch(conf)[1]), &httputil.ReverseProxy{
		FlushInterval: -1, // streams
		Rewrite: func(r *httputil.ProxyRequest) {
			turn := int(turns.Add(1))
			if fails == "eject" && turn == even+1 {
				eject(string(backends[1][1]))
			}
			if (fails == "lopsided" || fails == "eject") && turn > even {
				turn = 0
			}
			r.SetURL(&url.URL{Scheme: "http", Host: string(backends[turn%len(backends)][1])})
		},
	})
}

// eject logs the lines of nginx 1.22 when a server refuses three connections.
func eject(backend string) {
	for i := range 3 {
		fmt.Fprintf(os.Stderr, "2026/11/24 13:00:00 [error] 7#7: *%d connect() failed (111: Connection refused) "+
			"while connecting to upstream, client: 127.0.0.1, server: , "+
			"request: \"POST /v1/chat/completions HTTP/1.1\", "+
			"upstream: \"http://%s/v1/chat/completions\", host: \"localhost\"\n", 10+i, backend)
	}
}

// etcd answers /health.
func etcd(args []string) int {
	if slices.Contains(args, "--version") {
		fmt.Println("etcd Version: 3.4.23")
		return 0
	}
	return serve(strings.TrimPrefix(flags(args)["listen-client-urls"], "http://"),
		http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"health":"true"}`) }))
}

// nats answers /healthz on its monitoring port.
func nats(args []string) int {
	if slices.Contains(args, "--version") {
		fmt.Println("nats-server: v2.9.10")
		return 0
	}
	return serve(flags(args)["a"]+":"+flags(args)["m"],
		http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"status":"ok"}`) }))
}

// vllm is "vllm serve MODEL". Like the real one it ignores the unknown field nvext. It prints
// its GPUs.
func vllm(args []string) int {
	fmt.Printf("GPUs %s counted by %s\n", os.Getenv("CUDA_VISIBLE_DEVICES"), os.Getenv("CUDA_DEVICE_ORDER"))
	var served atomic.Int64
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "vllm:num_requests_running{engine=\"0\"} 0.0\nvllm:num_requests_waiting{engine=\"0\"} 0.0\n"+
			"vllm:kv_cache_usage_perc{engine=\"0\"} 0.25\nvllm:num_preemptions_total{engine=\"0\"} 0.0\n"+
			"vllm:request_success_total{finished_reason=\"length\"} %d\n", served.Load())
	})
	mux.HandleFunc("GET /v1/models", func(w http.ResponseWriter, _ *http.Request) { listModels(w, args[1]) })
	mux.HandleFunc("POST /v1/chat/completions", func(w http.ResponseWriter, _ *http.Request) {
		served.Add(1)
		streamText(w, 4)
	})
	return serve(cmp.Or(flags(args)["host"], "127.0.0.1")+":"+flags(args)["port"], mux)
}
