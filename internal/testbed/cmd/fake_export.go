package main

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// export is profile_export_aiperf.json, schema 1.4, with the keys that topobench
// reads. Its numbers depend on nothing but the arguments: at concurrency c a user
// sees 200/(1+c/8) tokens a second.
func (j *job) export() []byte {
	done := float64(j.requests - j.failed)
	user := 200 / (1 + float64(j.concurrency)/8)
	all := user * float64(j.concurrency)
	document := map[string]any{
		"schema_version": "1.4", "aiperf_version": "0.13.0", "was_cancelled": false, "error_summary": j.errors(),
		"input_config": map[string]any{"phases": []map[string]any{
			{"name": "warmup", "kind": "warmup", "requests": j.warmup, "concurrency": j.concurrency},
			{"name": "profiling", "kind": "profiling", "requests": j.requests, "concurrency": j.concurrency}}},
		"request_count":                    map[string]any{"unit": "requests", "avg": done},
		"output_token_throughput":          map[string]any{"unit": "tokens/sec", "avg": all},
		"request_throughput":               map[string]any{"unit": "requests/sec", "avg": all / float64(j.osl)},
		"output_token_throughput_per_user": distribution("tokens/sec/user", user, done),
		"inter_token_latency":              distribution("ms", 1000/user, done),
		"time_to_first_token":              distribution("ms", 10*float64(j.concurrency), done),
		"request_latency":                  distribution("ms", 1000*float64(j.osl)/user, done),
		"output_sequence_length":           distribution("tokens", float64(j.osl), done),
		"usage_completion_tokens":          distribution("tokens", float64(j.osl), done),
	}
	if j.failed > 0 {
		document["error_request_count"] = map[string]any{"unit": "requests", "avg": j.failed}
	}
	text, err := json.MarshalIndent(document, "", "  ")
	if err != nil {
		fmt.Println("ERROR:", err)
	}
	if j.notNumber { // as Python's json module writes a mean of nothing
		text = bytes.Replace(text, []byte(`"avg":`), []byte(`"avg": NaN, "was":`), 1)
	}
	return text
}

// errors is error_summary as recorded from 500s.
func (j *job) errors() []any {
	if j.failed == 0 {
		return []any{}
	}
	return []any{map[string]any{"count": j.failed,
		"error_details": map[string]any{"code": 500, "type": "Internal Server Error", "message": `{"error":"boom"}`}}}
}

func distribution(unit string, avg, count float64) map[string]any {
	return map[string]any{
		"unit": unit, "avg": avg, "min": avg, "max": avg, "std": 0, "count": count, "sum": avg * count,
		"p1": avg, "p5": avg, "p10": avg, "p25": avg, "p50": avg, "p75": avg, "p90": avg, "p95": avg, "p99": avg,
	}
}
