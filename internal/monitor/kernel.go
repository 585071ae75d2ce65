package monitor

import (
	"errors"
	"io"
	"regexp"
	"strings"
	"syscall"

	"topobench/internal/verdict"
)

// kernelFaults are kernel messages about GPUs and about memory that ran out.
var kernelFaults = regexp.MustCompile(`(?i)\b(?:Xid|NVRM|NVLink)\b|\boom|out of memory`)

// logLimit bounds the bytes of a log that are read for one cell.
const logLimit = 1 << 20

// kernelLog is /dev/kmsg from the start of a cell on: each read returns one message, and
// EAGAIN ends them. Most users may not read it.
type kernelLog struct {
	fd  int
	err error // why it could not be opened
}

func openKernel(path string) *kernelLog {
	if path == "" {
		return nil
	}
	fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if err != nil {
		return &kernelLog{err: err}
	}
	k := &kernelLog{fd: fd}
	if _, err := syscall.Seek(fd, 0, io.SeekEnd); err != nil {
		k.close()
		return &kernelLog{err: err}
	}
	return k
}

// evidence returns the faults that were logged since, and closes the log.
func (k *kernelLog) evidence() *verdict.KernelLog {
	switch {
	case k == nil:
		return nil
	case k.err != nil:
		return &verdict.KernelLog{Unread: k.err.Error()}
	}
	defer k.close()
	var text strings.Builder
	for buf := make([]byte, 8<<10); text.Len() < logLimit; {
		n, err := syscall.Read(k.fd, buf)
		if errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.EINTR) {
			continue // messages were overwritten before they were read
		}
		if n <= 0 || err != nil {
			break
		}
		text.Write(buf[:n])
	}
	return &verdict.KernelLog{Messages: kernelMessages(text.String())}
}

func (k *kernelLog) close() { _ = syscall.Close(k.fd) } // it was only read

// kernelMessages picks faults out of records such as "4,1234,5678,-;NVRM: Xid ...".
func kernelMessages(records string) (found []string) {
	for line := range strings.Lines(records) {
		if kernelFaults.MatchString(line) {
			_, message, record := strings.Cut(line, ";")
			if !record {
				message = line
			}
			found = append(found, strings.TrimSpace(message))
		}
	}
	return found
}
