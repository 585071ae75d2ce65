package run

import (
	"errors"
	"io"
	"regexp"
	"strings"

	"golang.org/x/sys/unix"

	"topobench/internal/text"
)

// telling are kernel messages about GPUs and about memory that ran out.
var telling = regexp.MustCompile(`(?i)\b(?:Xid|NVRM|NVLink)\b|\boom|out of memory`)

// logLimit bounds what is read of a log for one cell, in bytes.
const logLimit = 1 << 20

// kernelLog is /dev/kmsg, from now on: each read gives one message, and EAGAIN ends
// them. Users who may not read it have none.
type kernelLog struct{ fd int }

func openKernel(path string) *kernelLog {
	if path == "" {
		return nil
	}
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil
	}
	k := &kernelLog{fd}
	if _, err := unix.Seek(fd, 0, io.SeekEnd); err != nil {
		k.close()
		return nil
	}
	return k
}

// rest returns the telling messages that came since, and closes the log.
func (k *kernelLog) rest() []string {
	if k == nil {
		return nil
	}
	defer k.close()
	var text strings.Builder
	for buf := make([]byte, 8<<10); text.Len() < logLimit; {
		n, err := unix.Read(k.fd, buf)
		if errors.Is(err, unix.EPIPE) || errors.Is(err, unix.EINTR) {
			continue // messages were overwritten before they were read
		}
		if n <= 0 || err != nil {
			break
		}
		text.Write(buf[:n])
	}
	return tellingLines(text.String())
}

func (k *kernelLog) close() { _ = unix.Close(k.fd) } // it was only read

// tellingLines picks messages out of records such as "4,1234,5678,-;NVRM: Xid ...".
func tellingLines(records string) []string {
	var found []string
	for line := range strings.Lines(records) {
		if telling.MatchString(line) {
			_, message, is := strings.Cut(line, ";")
			if !is {
				message = line
			}
			found = append(found, strings.TrimSpace(message))
		}
	}
	return found
}

// added is what a log has more than size bytes of. One that cannot be read has nothing.
func added(path string, size int64) string {
	log, err := text.Added(path, size, logLimit)
	if err != nil {
		return ""
	}
	return string(log)
}
