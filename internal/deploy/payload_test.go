package deploy

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"

	"topobench/internal/host"
	"topobench/internal/plan"
)

// greets is a NATS server that sends its greeting and nothing else.
func greets(t *testing.T, payload int) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			fmt.Fprintf(conn, "INFO {\"server_id\":\"NAB\",\"max_payload\":%d}\r\n", payload)
			_ = conn.Close()
		}
	}()
	return l.Addr().String()
}

// A running NATS whose limit is below the load's requests will refuse them in the cell: no waiting changes that.
func TestNATSWhoseMessagesAreTooShortIsFinal(t *testing.T) {
	for _, row := range []struct {
		limit, need int
		refused     bool
	}{{1 << 20, 700_000, false}, {1 << 20, 1_611_024, true}, {8 << 20, 1_611_024, false}, {1 << 20, 0, false}, {0, 1_611_024, false}} {
		s := plan.Service{Name: "nats at u", Role: plan.NATS, Gate: plan.Gate{Kind: plan.GateListens, Deadline: long,
			Address: greets(t, row.limit), Payload: row.need}}
		_, err := NewProber(host.Local{}).Await(t.Context(), s, func(string) {})
		var last error
		if closed, is := errors.AsType[*NotReadyError](err); is {
			last = closed.Last
		}
		final, is := errors.AsType[*FinalError](last)
		if is != row.refused || !is && err != nil {
			t.Errorf("%d for %d: %v", row.limit, row.need, err)
		}
		if is && (!strings.Contains(final.Answer, fmt.Sprint(row.limit)) || !strings.Contains(final.Answer, fmt.Sprint(row.need)) || !strings.Contains(final.Remedy, "max_payload")) {
			t.Errorf("%d for %d: %v", row.limit, row.need, err)
		}
	}
}
