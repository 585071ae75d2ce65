package proc

import (
	"encoding/binary"
	"net"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// Both ways to ask tell the same sockets, of both families, and not the connections.
func TestBothWaysTellWhoListens(t *testing.T) {
	var ports []int
	for _, address := range []string{"127.0.0.1:0", "[::1]:0"} {
		l, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	tables := append(tabled("/proc/net/tcp"), tabled("/proc/net/tcp6")...)
	for i, family := range []byte{unix.AF_INET, unix.AF_INET6} {
		told, err := diagnosed(family)
		if err != nil {
			t.Fatal(err)
		}
		for name, all := range map[string][]socket{"sock_diag": told, "the tables of /proc": tables} {
			ours := slices.DeleteFunc(slices.Clone(all), func(s socket) bool { return s.port != ports[i] })
			if len(ours) != 1 || !slices.Contains(tables, ours[0]) {
				t.Errorf("by %s %v listens on port %d; the tables say %v", name, ours, ports[i], tables)
			}
		}
	}
}

// What is not the answer that was asked for is an error: then the tables are read.
func TestAnswersOfAnotherKindAreAnError(t *testing.T) {
	refusal := make([]byte, unix.SizeofNlMsghdr+4)
	refusal[0], refusal[4] = byte(len(refusal)), unix.NLMSG_ERROR
	short := slices.Clone(refusal)
	short[4] = unix.SOCK_DIAG_BY_FAMILY
	broken := slices.Clone(refusal)
	broken[4] = unix.NLMSG_DONE
	binary.NativeEndian.PutUint32(broken[unix.SizeofNlMsghdr:], ^uint32(unix.ENOENT)+1)
	for name, text := range map[string][]byte{"refused": refusal, "short": short, "cut off": refusal[:18], "broken off": broken} {
		if all, last, err := answers(text); err == nil || last || all != nil {
			t.Errorf("%s: %v, last %t, error %v", name, all, last, err)
		}
	}
}

func FuzzAnswers(f *testing.F) {
	f.Add(question(unix.AF_INET))
	f.Fuzz(func(t *testing.T, text []byte) {
		all, last, err := answers(text)
		if err != nil && (last || all != nil) {
			t.Errorf("%v, last %t, beside error %v", all, last, err)
		}
	})
}
