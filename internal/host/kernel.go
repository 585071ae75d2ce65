package host

import (
	"errors"
	"strconv"
	"strings"
	"syscall"
)

// kernelBytes bounds the messages of one look.
const kernelBytes = 1 << 20

// KernelLog is the part of the kernel log that a Question asks for.
type KernelLog struct {
	Last     uint64   // the number of its last message; Question.After of the next look
	Messages []string // without their prefix
	Fault    string   // why it cannot be read: most users may not
}

// readKernel reads the messages after a number, from records of /dev/kmsg such as
// "4,1234,5678,-;NVRM: Xid ...": priority, number, microseconds. Each read returns one
// record, and EAGAIN ends them.
func readKernel(path string, after uint64) (k KernelLog) {
	fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if err != nil {
		return KernelLog{Fault: err.Error()}
	}
	defer func() { _ = syscall.Close(fd) }() // it was only read
	size := 0
	for buffer := make([]byte, 8<<10); size < kernelBytes; {
		n, err := syscall.Read(fd, buffer)
		if errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.EINTR) {
			continue // messages were overwritten before they were read
		}
		if n <= 0 || err != nil {
			break
		}
		for line := range strings.Lines(string(buffer[:n])) {
			prefix, message, _ := strings.Cut(line, ";")
			fields := strings.Split(prefix, ",")
			if len(fields) < 3 {
				continue // further lines of a record describe its device
			}
			number, err := strconv.ParseUint(fields[1], 10, 64)
			if err != nil {
				continue
			}
			if k.Last = number; number > after {
				size += n
				k.Messages = append(k.Messages, strings.TrimSpace(message))
			}
		}
	}
	return k
}
