package aiperf

import (
	"cmp"
	"net/url"
	"strings"
)

// chat is perf.sh's --endpoint.
const chat = "/v1/chat/completions"

// Target is the URL that aiperf builds for a request to one of URLs.
func (l Load) Target(base string) string { return strings.TrimRight(base, "/") + l.endpoint() }

// Models is the URL of the server's list of models, beside that of its completions.
func (l Load) Models(base string) string {
	return strings.TrimSuffix(l.Target(base), "/chat/completions") + "/models"
}

func (l Load) endpoint() string { return cmp.Or(l.Endpoint, chat) }

// Split splits the URL of a server into a base and an endpoint ("" = perf.sh's). It takes a base, one that ends in
// /v1, and the whole URL of chat completions.
func Split(whole string) (base, endpoint string) {
	u, err := url.Parse(strings.TrimRight(whole, "/"))
	if err != nil {
		return whole, ""
	}
	switch {
	case strings.HasSuffix(u.Path, chat):
		u.Path = strings.TrimSuffix(u.Path, chat)
	case strings.HasSuffix(u.Path, "/chat/completions"):
		u.Path, endpoint = "", u.Path
	default:
		u.Path = strings.TrimSuffix(u.Path, "/v1")
	}
	return u.String(), endpoint
}

// Headers are those of every request, in perf.sh's order, without a key that a variable has.
func (l Load) Headers() []string {
	if l.Python != "" {
		return []string{"Accept: text/event-stream"}
	}
	return []string{"Authorization: Bearer NOT USED", "Accept: text/event-stream"}
}

// KeyVariable has the key of the requests in aiperf's environment, where Python is set.
const KeyVariable = "TOPOBENCH_API_KEY"

// withKey runs the Python script of its first argument, and adds the header with the key to the others. Only so does
// the key appear in no command line: aiperf takes it from its arguments alone.
const withKey = `import os, runpy, sys
sys.argv = sys.argv[1:] + ["-H", "Authorization: Bearer " + os.environ.pop("` + KeyVariable + `")]
runpy.run_path(sys.argv[0], run_name="__main__")`

// program is the beginning of aiperf's command.
func (l Load) program() []string {
	if l.Python != "" {
		return []string{l.Python, "-c", withKey, l.AIPerf}
	}
	return []string{l.AIPerf}
}

// IPVersion is the variable with aiperf's version of IP: 4 (its default), 6 or auto.
const IPVersion = "AIPERF_HTTP_IP_VERSION"

// Network is that of aiperf's connections in an environment. A name may have an address of each version, with
// another server behind it.
func Network(environ []string) string {
	switch strings.ToLower(value(environ, IPVersion)) {
	case "6":
		return "tcp6"
	case "auto":
		return "tcp"
	}
	return "tcp4"
}

// value is that of a variable; "" = it is not set. The last one counts.
func value(environ []string, name string) (found string) {
	for _, kv := range environ {
		if v, is := strings.CutPrefix(kv, name+"="); is {
			found = v
		}
	}
	return found
}
