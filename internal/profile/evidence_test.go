package profile

import "testing"

// An argument that closes a gate, or takes away what a cell is judged by, is a fault of its line before anything starts.
func TestArgumentsThatTakeAwayEvidence(t *testing.T) {
	at := func(engine, args, more string) string {
		return head(engine) + "aggregated: [{cuda_visible_devices: [0]}]\nengine_args: [" + args + "]\n" + more
	}
	split := head("dynamo") + "prefill: [{cuda_visible_devices: [0]}]\ndecode: [{cuda_visible_devices: [1]}]\n"
	checkRows(t, []row{
		{"a path before every page", at("vllm", "--root-path, /x", ""), "6:15", words("--root-path", "moves every page")},
		{"a socket file", at("vllm", "--uds=/tmp/x", ""), "6:15", words("--uds", "socket file")},
		{"no server", at("vllm", "--headless", ""), "6:15", words("--headless", "starts no server")},
		{"HTTPS, at two arguments", at("vllm", "--ssl-certfile, a, --ssl_keyfile, b", ""), "6:15 6:34", words("--ssl-certfile", "HTTPS", "--ssl-keyfile")},
		{"a model of another kind", at("vllm", "--task, embed", ""), "6:15", words("--task", "no completions")},
		{"the same in one word", at("vllm", "--runner=pooling", ""), "6:15", words("--runner", "no completions")},
		{"C12: a key", at("vllm", "--api-key, abc", ""), "6:15", words("--api-key", "401")},
		{"C12: a key in a variable", at("vllm", "", "env: {VLLM_API_KEY: abc}\n"), "7:7", words("VLLM_API_KEY", "401")},
		{"text without tokens", at("vllm", "--skip-tokenizer-init", ""), "6:15", words("--skip-tokenizer-init")},
		{"the counters", at("vllm", "--disable-log-stats", ""), "6:15", words("--disable-log-stats", "evidence: noted")},
		{"the counters, abbreviated", at("vllm", "--disable_log_st", ""), "6:15", words("--disable-log-st")},
		{"the counters of decode workers", split + "engine_args: [--disable-log-stats]\n", "7:15", words("--disable-log-stats", "KV transfers")},
		{"no such word", at("vllm", "", "evidence: maybe\n"), "7:11", words("required", "noted")},
	})
	for _, text := range []string{
		at("vllm", "--disable-log-stats", "evidence: noted\n"),
		at("vllm", "--task, generate, --runner=auto, --disable-log-requests", ""),
		at("dynamo", "--disable-log-stats", ""), // Dynamo counts the requests itself
		at("dynamo", "--skip-tokenizer-init", ""),
		at("mocker", "--headless", ""),
		at("dynamo", "", "env: {VLLM_API_KEY: abc}\n"), // Dynamo's frontend has no key
	} {
		mustParse(t, text)
	}
}
