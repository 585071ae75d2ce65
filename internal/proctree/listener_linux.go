package proctree

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Listener finds the process that listens on a TCP port of this machine. It is
// for messages: other users' processes cannot be seen without root.
func Listener(port int) (Proc, bool) {
	inodes := map[string]bool{}
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		listening(table, port, inodes)
	}
	fds, err := filepath.Glob("/proc/[0-9]*/fd/*")
	if err != nil || len(inodes) == 0 {
		return Proc{}, false
	}
	for _, fd := range fds {
		target, err := os.Readlink(fd)
		if err != nil || !inodes[target] {
			continue
		}
		pid, err := strconv.Atoi(strings.Split(fd, "/")[2])
		if err != nil {
			continue
		}
		if p, err := Read(pid); err == nil {
			return p, true
		}
	}
	return Proc{}, false
}

// listening adds the socket inodes that listen on port, as /proc/PID/fd shows
// them. Columns of the table: sl local_address rem_address st ... inode.
func listening(table string, port int, inodes map[string]bool) {
	f, err := os.Open(table)
	if err != nil {
		return
	}
	defer f.Close()
	suffix := fmt.Sprintf(":%04X", port)
	for lines := bufio.NewScanner(f); lines.Scan(); {
		field := strings.Fields(lines.Text())
		if len(field) > 9 && strings.HasSuffix(field[1], suffix) && field[3] == "0A" {
			inodes["socket:["+field[9]+"]"] = true
		}
	}
}
