package e2e_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"
)

// nginx refuses a template with an unknown directive before a process starts, and topobench
// prints nginx's own line.
func TestF19RealNginxRefusesItsConfiguration(t *testing.T) {
	f := newFixture(t)
	conf := filepath.Join(f.dir, "bad.conf")
	f.check(os.WriteFile(conf, []byte("events {}\nhttp { server { listen {{.Listen}}; bogus on; } }\n"), 0o600))
	r := f.start("run", "run", f.balanced(conf))
	stdout := r.ends(4)
	r.clean()
	const line = `cannot use the configuration of nginx: .*\n.*\[emerg\] \S+ unknown directive "bogus" in .*/nginx\.conf:2\b`
	if !regexp.MustCompile(line).MatchString(stdout) {
		t.Errorf("stdout lacks nginx's own line:\n%s", stdout)
	}
	for _, e := range r.journal() {
		if e.Service != "" && e.PID != 0 {
			t.Errorf("%s was started", e.Service)
		}
	}
}

// balanced writes the profile of the baseline behind nginx, with a configuration.
func (f fixture) balanced(config string) string {
	f.Helper()
	return f.builtIn("demo-agg", "18080", "@20", "18101", "@21", "18102", "@22", "config: guide", "config: "+config)
}

// The balancer of the baseline spreads requests over both engines.
func TestRealBalancer(t *testing.T) {
	for _, config := range []string{"guide", "tuned"} {
		t.Run(config, func(t *testing.T) {
			f := newFixture(t)
			r := f.start("up", "up", f.balanced(config))
			r.awaitUp(f.ports + 20)
			requests := func(worker int) float64 {
				return f.counter(f.ports+100+worker, "dynamo_component_requests_total")
			}
			before := []float64{requests(0), requests(1)}
			const n = 20
			f.check(completeAtOnce(n, fmt.Sprintf("http://127.0.0.1:%d", f.ports+20)))
			first, second := 0.0, 0.0
			r.await("the engines have counted all requests", func() bool {
				first, second = requests(0)-before[0], requests(1)-before[1]
				return first+second == n
			})
			if min(first, second) < n/4 {
				t.Errorf("the engines served %v and %v of %d requests", first, second, n)
			}
			r.signal(syscall.SIGINT)
			r.ends(130)
			r.clean()
		})
	}
}

// completeAtOnce sends n small completions at once, and joins their errors.
func completeAtOnce(n int, url string) error {
	results := make(chan error, n)
	for range n {
		go func() { results <- complete(url) }()
	}
	var faults []error
	for range n {
		faults = append(faults, <-results)
	}
	return errors.Join(faults...)
}
