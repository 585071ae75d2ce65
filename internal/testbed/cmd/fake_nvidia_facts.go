package main

import (
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// sampleGPUs is nvidia-smi -lms: a line for each of the devices every period, until a signal ends it.
func sampleGPUs(query, path, ids, period string) int {
	if strings.Contains(query, "clocks_event") { // as before driver 535
		fmt.Println(`Field "clocks_event_reasons.active" is not a valid field to query.`)
		return 2
	}
	n, err := strconv.Atoi(period)
	if err != nil || n < 1 {
		fmt.Println("no such period:", period)
		return 2
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	again := time.NewTicker(time.Duration(n) * time.Millisecond)
	for {
		text := []byte(idleGPUs)
		if path != "" {
			text, _ = os.ReadFile(path) // a script that is gone has no devices
		}
		now := readSMI(string(text), 1)
		for _, id := range strings.Split(ids, ",") {
			if row, is := now.samples[id]; is {
				fmt.Printf("%s, %s, %s\n", time.Now().UTC().Format("2006/01/02 15:04:05.000"), id, row)
			}
		}
		select {
		case <-stop:
			return 0
		case <-again.C:
		}
	}
}

// facts answers the questions that are no queries of the state: links, the page with the version of CUDA, and clocks.
// known is false for another question.
func (s smi) facts(question []string) (text string, known bool) {
	switch {
	case question[0] == "topo":
		return topology(len(s.devices)), true
	case question[0] == "-q":
		return "\n==============NVSMI LOG==============\n\nDriver Version                            : 580.95.05\n" +
			"CUDA Version                              : 13.0\n", true
	case strings.Contains(question[0], "clocks.max.sm"):
		for i := range s.devices {
			text += fmt.Sprintf("%d, 1980, 2619, [N/A], [N/A]\n", i)
		}
		return text, true
	}
	return "", false
}

// topology is the matrix of nvidia-smi topo -m, with NVLink between all devices.
func topology(devices int) string {
	cells := []string{""}
	for i := range devices {
		cells = append(cells, fmt.Sprintf("GPU%d", i))
	}
	text := strings.Join(cells, "\t") + "\tCPU Affinity\n"
	for i := range devices {
		row := slices.Repeat([]string{"NV18"}, devices)
		row[i] = " X "
		text += fmt.Sprintf("GPU%d\t%s\t0-111\n", i, strings.Join(row, "\t"))
	}
	return text
}
