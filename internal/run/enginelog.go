package run

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// modelLoad is the time to load a model in seconds, by vLLM's log: "Model loading took 14.9 GiB memory and 5.3
// seconds", or else "Loading weights took 4.7 seconds". The slowest rank counts; 0 = the log has none.
func modelLoad(log string) float64 {
	for _, line := range []*regexp.Regexp{
		regexp.MustCompile(`Model loading took [^\n]*? and ([\d.]+) seconds`),
		regexp.MustCompile(`Loading weights took ([\d.]+) seconds`),
	} {
		slowest := 0.0
		for _, found := range line.FindAllStringSubmatch(log, -1) {
			if n, err := strconv.ParseFloat(found[1], 64); err == nil {
				slowest = max(slowest, n)
			}
		}
		if slowest > 0 {
			return slowest
		}
	}
	return 0
}

// mostTransports bounds the transports that are recorded of a worker.
const mostTransports = 8

// transports are the lines in which NIXL and UCX name what they chose, each once, without the numbers of
// configurations: "intra-node rma(cuda_ipc/cuda) am(sysv/memory)". A worker's lanes to itself carry no KV cache.
func transports(log string) (all []string) {
	// [1750940428.181226] [node:2814548:0] ucp_worker.c:1903 UCX  INFO    ucp_context_0 inter-node cfg#8 rma(...)
	lanes := regexp.MustCompile(`UCX\s+INFO\s+\S+\s+((?:intra|inter)-node) cfg#\d+\s+([^\n]+)`)
	backend := regexp.MustCompile(`Backend (\w+) was instantiated`)
	for line := range strings.Lines(log) {
		text := ""
		if found := lanes.FindStringSubmatch(line); found != nil {
			text = found[1] + " " + strings.Join(strings.Fields(found[2]), " ")
		} else if found := backend.FindStringSubmatch(line); found != nil {
			text = "NIXL backend " + found[1]
		}
		if text != "" && len(all) < mostTransports && !slices.Contains(all, text) {
			all = append(all, text)
		}
	}
	return all
}

func noTransport(service string) string {
	return fmt.Sprintf("transport of the KV cache: the log of %s does not name it; UCX_LOG_LEVEL=info in the "+
		"profile's env prints it", service)
}
