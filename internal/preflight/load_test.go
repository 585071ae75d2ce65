package preflight

import (
	"strings"
	"testing"
)

func TestC10ALoadBeyondTheClientsConnectionsIsRefused(t *testing.T) {
	r := request(t, "a")
	r.Environ = append(r.Environ, "AIPERF_HTTP_CONNECTION_LIMIT=4")
	r.Profiles[0].Load.Concurrency = []int{1, 16}
	err := All(t.Context(), r).Err()
	if err == nil || !strings.Contains(err.Error(), "AIPERF_HTTP_CONNECTION_LIMIT is 4, and the load has 16 requests") {
		t.Errorf("got %v", err)
	}
	r.Profiles[0].Load.Concurrency = []int{1, 4}
	if err := All(t.Context(), r).Err(); err != nil {
		t.Errorf("4 requests in 4 connections: %v", err)
	}
}
