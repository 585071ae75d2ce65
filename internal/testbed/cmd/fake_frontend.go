package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
)

// frontend is Dynamo's HTTP server in front of the workers of one namespace.
type frontend struct {
	keys, namespace string
	fails           string
	polls, turn     atomic.Int64
}

// dynamoFrontend finds its workers as files below DYN_FILE_KV. Faults of FAKE_FRONTEND:
//
//	wrong-model
//	flap         every third /health lists no worker
//	ghost        it lists each worker twice
//	chat-500
//	chat-empty   a stream without text
//	chat-hang
func dynamoFrontend(args []string) int {
	f := &frontend{keys: os.Getenv("DYN_FILE_KV"), namespace: os.Getenv("DYN_NAMESPACE")}
	f.fails, _ = fault("FRONTEND")
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", f.health)
	mux.HandleFunc("GET /v1/models", func(w http.ResponseWriter, _ *http.Request) { listModels(w, f.models()...) })
	mux.HandleFunc("GET /v1/models/{id...}", f.ready)
	mux.HandleFunc("POST /v1/chat/completions", f.chat)
	return serve(os.Getenv("DYN_HTTP_HOST")+":"+flags(args)["http-port"], mux)
}

// instances returns the workers by type.
func (f *frontend) instances() map[string][]instance {
	found := map[string][]instance{}
	paths, _ := filepath.Glob(filepath.Join(f.keys, "*.json")) // the pattern is well formed
	for _, path := range paths {
		var i instance
		if data, err := os.ReadFile(path); err == nil && json.Unmarshal(data, &i) == nil && i.Namespace == f.namespace {
			found[i.Type] = append(found[i.Type], i)
			if f.fails == "ghost" {
				i.ID++
				found[i.Type] = append(found[i.Type], i)
			}
		}
	}
	return found
}

func (f *frontend) health(w http.ResponseWriter, _ *http.Request) {
	all := []instance{}
	if f.polls.Add(1)%3 != 0 || f.fails != "flap" {
		for _, some := range f.instances() {
			all = append(all, some...)
		}
	}
	answer(w, map[string]any{"status": "healthy", "instances": all})
}

// models lists the model once a worker serves it.
func (f *frontend) models() []string {
	found := f.instances()
	serving := append(found["decode"], found["aggregated"]...)
	switch {
	case len(serving) == 0:
		return nil
	case f.fails == "wrong-model":
		return []string{"another-model"}
	}
	return []string{serving[0].Model}
}

// ready is /v1/models/<id>/ready; an id may contain slashes.
func (f *frontend) ready(w http.ResponseWriter, r *http.Request) {
	if models := f.models(); len(models) == 0 || r.PathValue("id") != models[0]+"/ready" {
		http.Error(w, `{"message":"Model not found","type":"Not Found","code":404}`, http.StatusNotFound)
		return
	}
	types := map[string]any{}
	for kind, some := range f.instances() {
		types[kind] = map[string]int{"workers": len(some)}
	}
	namespace := map[string]any{"ready": true, "worker_types": types}
	answer(w, map[string]any{"ready": true, "namespaces": map[string]any{f.namespace: namespace}})
}

func (f *frontend) chat(w http.ResponseWriter, r *http.Request) {
	var body struct {
		MaxTokens int             `json:"max_tokens"`
		NVExt     json.RawMessage `json:"nvext"`
	}
	err := json.NewDecoder(r.Body).Decode(&body)
	switch {
	case err != nil || body.NVExt != nil: // as Dynamo 1.6.1 answers perf.sh's body
		const refusal = "{\"message\":\"unknown field `ignore_eos`\",\"type\":\"Bad Request\",\"code\":400}"
		http.Error(w, refusal, http.StatusBadRequest)
	case f.fails == "chat-500":
		http.Error(w, `{"error":"boom"}`, http.StatusInternalServerError)
	case f.fails == "chat-empty":
		streamText(w, 0)
	case f.fails == "chat-hang":
		w.WriteHeader(http.StatusOK)
		<-r.Context().Done()
	default:
		if err := f.generate(); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		streamText(w, body.MaxTokens)
	}
}

// generate forwards the request to one worker of each type, round robin.
func (f *frontend) generate() error {
	turn := int(f.turn.Add(1))
	for _, some := range f.instances() {
		resp, err := http.Post("http://"+some[turn%len(some)].Transport["tcp"]+"/generate", "application/json", nil)
		if err != nil {
			return err
		}
		if err := resp.Body.Close(); err != nil {
			return err
		}
		if resp.StatusCode != http.StatusOK {
			return errors.New(resp.Status)
		}
	}
	return nil
}

// streamText answers with n tokens, as server-sent events.
func streamText(w http.ResponseWriter, n int) {
	w.Header().Set("Content-Type", "text/event-stream")
	const chunk = `data: {"choices":[{"index":0,"delta":%s,"finish_reason":%s}],` +
		`"object":"chat.completion.chunk"}` + "\n\n"
	for range n {
		fmt.Fprintf(w, chunk, `{"content":" word"}`, "null")
	}
	fmt.Fprintf(w, chunk+"data: [DONE]\n\n", "{}", `"length"`)
}

func listModels(w http.ResponseWriter, ids ...string) {
	list := []map[string]string{}
	for _, id := range ids {
		list = append(list, map[string]string{"id": id, "object": "model"})
	}
	answer(w, map[string]any{"object": "list", "data": list})
}

func answer(w http.ResponseWriter, v any) {
	if err := json.NewEncoder(w).Encode(v); err != nil {
		fmt.Println("ERROR:", err)
	}
}
