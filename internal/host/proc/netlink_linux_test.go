package proc

import (
	"net"
	"os"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// Netlink and /proc show the same listening sockets.
func TestBothSourcesOfListenersAgree(t *testing.T) {
	for _, row := range []struct {
		address, table string
		family         uint8
	}{{"127.0.0.1:0", "/proc/net/tcp", unix.AF_INET}, {"[::1]:0", "/proc/net/tcp6", unix.AF_INET6}} {
		l, err := net.Listen("tcp", row.address)
		if err != nil {
			t.Skip("this machine has no IPv6: ", err)
		}
		defer l.Close()
		conn, err := net.Dial("tcp", l.Addr().String()) // it waits in the accept queue
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		port := l.Addr().(*net.TCPAddr).Port
		ours := func(all []listener) []listener {
			return slices.DeleteFunc(all, func(l listener) bool { return l.port != port })
		}
		text, err := os.ReadFile(row.table)
		if err != nil {
			t.Fatal(err)
		}
		want := ours(tableListeners(string(text)))
		dumped, err := dumpListeners(row.family)
		if err != nil {
			t.Logf("netlink is not available: %v", err) // listeners falls back to the table
		} else if got := ours(dumped); !slices.Equal(got, want) {
			t.Errorf("netlink %+v, table %+v", got, want)
		}
		if len(want) != 1 || want[0].waiting != 1 || want[0].inode == 0 {
			t.Errorf("%s: %+v", row.table, want)
		}
	}
}

func BenchmarkListeners(b *testing.B) {
	b.Run("netlink", func(b *testing.B) {
		for b.Loop() {
			if _, err := dumpListeners(unix.AF_INET); err != nil {
				b.Skip(err)
			}
		}
	})
	b.Run("table", func(b *testing.B) {
		for b.Loop() {
			text, err := os.ReadFile("/proc/net/tcp")
			if err != nil {
				b.Fatal(err)
			}
			tableListeners(string(text))
		}
	})
}
