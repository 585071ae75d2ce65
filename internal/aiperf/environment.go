package aiperf

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// aiperf's own limits, as variables.
const (
	registration     = "AIPERF_SERVICE_REGISTRATION_TIMEOUT"
	serviceStart     = "AIPERF_SERVICE_START_TIMEOUT"
	datasetReady     = "AIPERF_DATASET_CONFIGURATION_TIMEOUT"
	profileReady     = "AIPERF_SERVICE_PROFILE_CONFIGURE_TIMEOUT" // the dataset included: aiperf refuses a shorter one
	connectionsAtMax = "AIPERF_HTTP_CONNECTION_LIMIT"
)

const (
	longestLimit    = 50_000 * time.Second // aiperf refuses limits beyond 100 000 s, and profileReady is twice this
	connectionsLeft = 2500                 // aiperf's default
)

// LimitVariables raise aiperf's own limits to the needs of the largest cell: the time in which it starts its services
// and generates the prompts, and the connections.
func (l Load) LimitVariables() []string {
	most := l.most()
	start := min(longestLimit, loadStart+l.prompts(most))
	seconds := func(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }
	return []string{registration + "=" + seconds(loadStart), serviceStart + "=" + seconds(loadStart),
		datasetReady + "=" + seconds(start), profileReady + "=" + seconds(2*start),
		connectionsAtMax + "=" + strconv.Itoa(max(connectionsLeft, most))}
}

// most is the largest concurrency.
func (l Load) most() (most int) {
	for _, c := range l.Concurrency {
		most = max(most, c)
	}
	return most
}

// VariablePrefix begins the names of aiperf's own variables.
const VariablePrefix = "AIPERF_"

// Environ is the environment of aiperf: env, in which the caller's own variables of aiperf win. The limit that the
// caller did not set follows the one that it did, as far as aiperf compares them.
func Environ(env, caller []string) []string {
	env = slices.Clone(env)
	set := func(kv string) {
		name, _, _ := strings.Cut(kv, "=")
		env = append(slices.DeleteFunc(env, func(old string) bool { return strings.HasPrefix(old, name+"=") }), kv)
	}
	for _, kv := range caller {
		if strings.HasPrefix(kv, VariablePrefix) {
			set(kv)
		}
	}
	dataset, profile := number(env, datasetReady), number(env, profileReady)
	switch {
	case profile >= dataset:
	case value(caller, profileReady) == "":
		set(profileReady + "=" + value(env, datasetReady))
	case value(caller, datasetReady) == "":
		set(datasetReady + "=" + value(env, profileReady))
	}
	return env
}

// number is the value of a variable; 0 = it has none, or aiperf will refuse it.
func number(environ []string, name string) float64 {
	n, err := strconv.ParseFloat(value(environ, name), 64)
	if err != nil {
		return 0
	}
	return n
}

// CheckConnections refuses a limit of the caller on the connections that its load exceeds.
func (l Load) CheckConnections(caller []string) error {
	limit, most := number(caller, connectionsAtMax), l.most()
	if limit == 0 || limit >= float64(most) {
		return nil
	}
	return fmt.Errorf("%s is %g, and the load has %d requests at one time: unset it, raise it, or choose a lower "+
		"concurrency", connectionsAtMax, limit, most)
}

// bytesPerToken is what a token of a prompt takes in the body of a request: aiperf's prompts are English. 1 KiB more
// is for the other fields.
const (
	bytesPerToken = 5
	bodyRest      = 1 << 10
)

// BodyBytes is about how long the body of a request is.
func (l Load) BodyBytes() int { return bytesPerToken*l.ISL + bodyRest }

// CheckBody refuses a load whose requests are longer than a server accepts; remedy is what to do.
func (l Load) CheckBody(limit int, server, remedy string) error {
	if limit <= 0 || l.BodyBytes() <= limit {
		return nil
	}
	return fmt.Errorf("a request of %d input tokens has about %d bytes, and %s accepts %d: %s",
		l.ISL, l.BodyBytes(), server, limit, remedy)
}
