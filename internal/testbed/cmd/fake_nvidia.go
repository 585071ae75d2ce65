package main

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"topobench/internal/testbed"
)

// idleGPUs is a machine with eight GPUs, all idle.
const idleGPUs = `
device 0 GPU-0
device 1 GPU-1
device 2 GPU-2
device 3 GPU-3
device 4 GPU-4
device 5 GPU-5
device 6 GPU-6
device 7 GPU-7
`

// smi is the output of the fake nvidia-smi.
type smi struct {
	devices, processes, messages []string
	samples                      map[string]string // by index: the columns from the memory on
	hangs                        string            // hang or deaf; "" = it ends
	code                         int
}

// nvidiaSMI prints the contents of the file LC_FAKE_NVIDIA_SMI, which a test may change.
// Without the file it has eight idle GPUs. Each script has UUIDs of its own. The file's lines:
//
//	device INDEX UUID [MiB used [MIG [compute mode [throttle mask [watts]]]]]
//	process UUID PID MiB NAME   if PID is a word: the script's processes of that name
//	say TEXT                    a line of nvidia-smi that is no device
//	exit N, hang, deaf          how it ends; deaf ignores SIGTERM too
//	for N                       the lines up to the next for answer N queries for devices
//	                            (counted in FILE.calls); the last ones answer all further queries
func nvidiaSMI(args []string) int {
	query, path := args[0], os.Getenv("LC_FAKE_NVIDIA_SMI")
	if period := flags(args)["lms"]; period != "" {
		return sampleGPUs(query, path, flags(args)["i"], period)
	}
	if path == "" {
		return readSMI(idleGPUs, 0).answer(args)
	}
	text, err := os.ReadFile(path)
	calls, uncounted := count(path+".calls", strings.Contains(query, "clocks_throttle"))
	if err := errors.Join(err, uncounted); err != nil {
		fmt.Println(err)
		return 1
	}
	return readSMI(string(text), calls).answer(args)
}

// answer prints the result of a query.
func (s smi) answer(args []string) int {
	switch s.hangs {
	case "deaf":
		signal.Ignore(syscall.SIGTERM)
		return hang()
	case "hang":
		return hang()
	}
	if text, known := s.facts(args); known {
		fmt.Print(text)
		return s.code
	}
	lines, query := s.messages, args[0]
	switch {
	case strings.Contains(query, "compute-apps"):
		lines = append(lines, s.processes...)
	case strings.Contains(query, "clocks_event"): // as before driver 535
		fmt.Println(`Field "clocks_event_reasons.active" is not a valid field to query.`)
		return 2
	default:
		lines = append(lines, s.devices...)
	}
	own := fnv.New32a()
	fmt.Fprint(own, os.Getenv("LC_TESTBED"))
	for _, line := range lines {
		fmt.Println(strings.ReplaceAll(line, "GPU-", fmt.Sprintf("GPU-%x-", own.Sum32())))
	}
	return s.code
}

// count returns the number of queries for devices so far. It includes this query if it is one.
func count(path string, now bool) (int, error) {
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, err
	}
	n, _ := strconv.Atoi(string(text)) // 0 before the first
	if !now {
		return n, nil
	}
	return n + 1, os.WriteFile(path, []byte(strconv.Itoa(n+1)), 0o600)
}

// readSMI reads the part of the text for a call; the first call is 1.
func readSMI(text string, call int) smi {
	var s smi
	until := 0
	for line := range strings.Lines(text) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		n, _ := strconv.Atoi(rest)
		switch word {
		case "for":
			if until > 0 && call <= until {
				return s
			}
			s, until = smi{}, until+n
		case "device":
			s.device(strings.Fields(rest))
		case "process":
			s.process(rest)
		case "say":
			s.messages = append(s.messages, rest)
		case "exit":
			s.code = n
		case "hang", "deaf":
			s.hangs = word
		}
	}
	return s
}

func (s *smi) device(words []string) {
	f := []string{"", "", "4", "[N/A]", "Default", "0x0000000000000001", "[N/A]"}
	copy(f, words)
	n, _ := strconv.Atoi(f[0])
	const row = "%s, %s, 00000000:%02X:00.0, NVIDIA Fake, %s, 81559, %s, %s, Enabled, 0, %s"
	s.devices = append(s.devices, fmt.Sprintf(row, f[0], f[1], 16+n, f[2], f[3], f[4], f[5]))
	if s.samples == nil {
		s.samples = map[string]string{}
	}
	s.samples[f[0]] = fmt.Sprintf("97, %s, %s, 1980, 2619, %s", f[2], f[6], f[5])
}

// process adds a line for each process of that name that carries the script's mark.
func (s *smi) process(text string) {
	f := strings.SplitN(text, " ", 4)
	if _, err := strconv.Atoi(f[1]); err == nil {
		s.processes = append(s.processes, strings.Join(f, ", "))
		return
	}
	for _, p := range testbed.Carriers("LC_TESTBED=" + os.Getenv("LC_TESTBED")) {
		if p.Comm == f[1] {
			s.processes = append(s.processes, fmt.Sprintf("%s, %d, %s, %s", f[0], p.PID, f[2], f[3]))
		}
	}
}
