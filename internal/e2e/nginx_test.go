package e2e_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// A template with a directive that nginx does not know: nginx says so before anything
// is started, and its own line is told.
func TestF19RealNginxRefusesItsConfiguration(t *testing.T) {
	b := newBed(t)
	conf := filepath.Join(b.dir, "bad.conf")
	b.check(os.WriteFile(conf, []byte("events {}\nhttp { server { listen {{.Listen}}; bogus on; } }\n"), 0o600))
	r := b.start("run", "run", b.builtIn("demo-agg", "18080", "@20", "18101", "@21", "18102", "@22", "config: guide", "config: "+conf))
	said := r.ends(4)
	r.clean()
	if !regexp.MustCompile(`cannot use the configuration of nginx: .*\n.*\[emerg\] \S+ unknown directive "bogus" in .*/nginx\.conf:2\b`).MatchString(said) {
		t.Errorf("stdout lacks nginx's own line:\n%s", said)
	}
	for _, e := range r.journal() {
		if e.PID != 0 {
			t.Errorf("%s was started", e.Service)
		}
	}
}
