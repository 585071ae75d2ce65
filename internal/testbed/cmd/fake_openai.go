package main

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
)

// openAIServer is a server whose pages are not vLLM's: /ready, /served and /stats, with the counter requests_served. It
// writes its arguments and GPUs to the file of --log.
func openAIServer(args []string) int {
	given := flags(args)
	log, err := os.OpenFile(given["log"], os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err == nil {
		_, err = fmt.Fprintf(log, "arguments %s on GPUs %s\n", strings.Join(args, " "), os.Getenv("CUDA_VISIBLE_DEVICES"))
	}
	if err != nil {
		fmt.Println("ERROR:", err)
		return 1
	}
	var served atomic.Int64
	mux := http.NewServeMux()
	mux.HandleFunc("GET /ready", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /served", func(w http.ResponseWriter, _ *http.Request) { listModels(w, given["name"]) })
	mux.HandleFunc("GET /stats", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "requests_served %d\n", served.Load())
	})
	mux.HandleFunc("POST /v1/chat/completions", func(w http.ResponseWriter, _ *http.Request) {
		served.Add(1)
		streamText(w, 4)
	})
	return serve("127.0.0.1:"+given["port"], mux)
}
