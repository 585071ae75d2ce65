package agent_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"testing"
)

// The tunnel beside plain TCP, in one process: large answers, and small requests one after another.
func BenchmarkTunnel(b *testing.B) {
	s, _, _ := scripted()
	c, _ := connect(b, s)
	for _, way := range []struct {
		name string
		dial func(ctx context.Context, network, to string) (net.Conn, error)
	}{{"tcp", new(net.Dialer).DialContext}, {"tunnel", c.DialContext}} {
		for _, size := range []int{1 << 10, 64 << 20} {
			to := listen(b, func(conn *net.TCPConn) {
				answer := make([]byte, size)
				for one := make([]byte, 1); ; {
					if _, err := io.ReadFull(conn, one); err != nil {
						return
					}
					_, _ = conn.Write(answer)
				}
			})
			b.Run(fmt.Sprintf("%s/%dKiB", way.name, size>>10), func(b *testing.B) {
				conn, err := way.dial(b.Context(), "tcp", to)
				if err != nil {
					b.Fatal(err)
				}
				defer conn.Close()
				b.SetBytes(int64(size))
				answer := make([]byte, size)
				for b.Loop() {
					if _, err := conn.Write([]byte{1}); err != nil {
						b.Fatal(err)
					}
					if _, err := io.ReadFull(conn, answer); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
