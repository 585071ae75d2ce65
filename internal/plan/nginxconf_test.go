package plan

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func values() nginxValues {
	return nginxValues{Listen: "127.0.0.1:8000", Backends: []string{"127.0.0.1:8001", "127.0.0.1:8002"}, Prefix: "/run/x", Spool: "/run/x"}
}

func render(t *testing.T, config string) string {
	t.Helper()
	text, err := nginxConf(config, values())
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// The guide's nginx.conf, directive by directive, with what we had to change.
func TestGuideIsTheGuides(t *testing.T) {
	const guide = `worker_processes 1
worker_rlimit_nofile 4096
events > worker_connections 2048
events > multi_accept on
events > use epoll
http > upstream backend_servers > least_conn
http > upstream backend_servers > server 127.0.0.1:8001 max_fails=3 fail_timeout=10000s
http > upstream backend_servers > server 127.0.0.1:8002 max_fails=3 fail_timeout=10000s
http > server > listen 8000
http > server > location / > proxy_pass http://backend_servers
http > server > location / > proxy_http_version 1.1
http > server > location / > proxy_read_timeout 240s`
	const added = `http > access_log off
http > client_body_temp_path "/run/x/tmp/body"
http > proxy_temp_path "/run/x/tmp/proxy"
http > fastcgi_temp_path "/run/x/tmp/fastcgi"
http > uwsgi_temp_path "/run/x/tmp/uwsgi"
http > scgi_temp_path "/run/x/tmp/scgi"
`
	want := strings.Replace(guide, "http > upstream", added+"http > upstream", 1)
	want = strings.Replace(want, "listen 8000", "listen 127.0.0.1:8000", 1)
	if diff := cmp.Diff(strings.Split(want, "\n"), directives(t, render(t, "guide"))); diff != "" {
		t.Errorf("(-guide +ours):\n%s", diff)
	}
}

func TestTuned(t *testing.T) {
	got := render(t, "tuned")
	golden(t, "tuned.conf", got)
	for _, no := range []string{"max_fails=3", "fail_timeout"} {
		if strings.Contains(got, no) {
			t.Errorf("a backend can be ejected: %s", no)
		}
	}
}

func TestTemplateOfTheUser(t *testing.T) {
	for _, row := range []struct{ why, template, want string }{
		{"all values", "l {{.Listen}} p {{.Prefix}}{{range .Backends}} b {{.}}{{end}}", "l 127.0.0.1:8000 p /run/x b 127.0.0.1:8001 b 127.0.0.1:8002"},
		{"an unknown value", "{{.Secret}}", "error: cannot render"},
		{"no template", "{{", "error: cannot use the balancer's template"},
	} {
		path := filepath.Join(t.TempDir(), "my.conf")
		if err := os.WriteFile(path, []byte(row.template), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := nginxConf(path, values())
		if err != nil {
			got = "error: " + err.Error()
		}
		if !strings.HasPrefix(got, row.want) {
			t.Errorf("%s: %q, want %q", row.why, got, row.want)
		}
	}
	if _, err := nginxConf(filepath.Join(t.TempDir(), "none.conf"), values()); err == nil || !strings.Contains(err.Error(), "none.conf") {
		t.Errorf("a file that is not there: %v", err)
	}
}

// Free text could open a second server block that listens on every address.
func TestInjectionIsRefused(t *testing.T) {
	const evil = "8000; } server { listen 0.0.0.0:80"
	for _, row := range []struct {
		why    string
		values nginxValues
		words  []string
	}{
		{"a block in the address", nginxValues{Listen: "127.0.0.1:" + evil, Backends: values().Backends, Prefix: "/x"}, []string{"is not an address and port"}},
		{"a block in a backend", nginxValues{Listen: values().Listen, Backends: []string{"127.0.0.1:" + evil}, Prefix: "/x"}, []string{"is not an address and port"}},
		{"a block in the zone of an address", nginxValues{Listen: "[fe80::1%x;}server{listen 0.0.0.0:80;]:1", Backends: values().Backends, Prefix: "/x"}, []string{"is not an address and port"}},
		{"a name, which nginx would look up", nginxValues{Listen: values().Listen, Backends: []string{"localhost:8001"}, Prefix: "/x"}, []string{`"localhost:8001"`}},
		{"a line of its own", nginxValues{Listen: "127.0.0.1:8000\n", Backends: values().Backends, Prefix: "/x"}, []string{"is not an address and port"}},
		{"a block in the directory", nginxValues{Listen: values().Listen, Backends: values().Backends, Prefix: `/x"; } server { listen 80; #`}, []string{"--artifacts-root-dir"}},
		{"a line in the directory", nginxValues{Listen: values().Listen, Backends: values().Backends, Prefix: "/x\ny"}, []string{`"/x\ny"`}},
		{"a variable in the directory", nginxValues{Listen: values().Listen, Backends: values().Backends, Prefix: "/$uri"}, []string{`"/$uri"`}},
		{"all faults at once", nginxValues{Listen: "a", Prefix: "/$y"}, []string{`"a"`, "no backend", `"/$y"`}},
	} {
		text, err := nginxConf("guide", row.values)
		if err == nil {
			t.Errorf("%s: rendered as\n%s", row.why, text)
			continue
		}
		for _, word := range row.words {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%s: no %q in %v", row.why, word, err)
			}
		}
	}
}

// The directory of a launch is known only when the plan is placed.
func TestNginxDirIsCheckedWhenThePlanIsPlaced(t *testing.T) {
	for _, row := range []struct{ profile, dir, fault string }{
		{"agg-1node", `/x"; } server { listen 80; #`, "--artifacts-root-dir"},
		{"agg-1node", "/x\ny", `"/x\ny"`},
		{"agg-1node", "/$uri", `"/$uri"`},
		{"agg-1node", "/runs/a b", ""},
		{"disagg-1node", "/$uri", ""}, // it has no nginx
	} {
		p, err := Make(builtIn(t, row.profile), installed(), guide())
		if err != nil {
			t.Fatal(err)
		}
		_, err = p.At(Placement{Dir: row.dir}, nil)
		if (err == nil) != (row.fault == "") || err != nil && !strings.Contains(err.Error(), row.fault) {
			t.Errorf("%s at %q: error %v, want %q", row.profile, row.dir, err, row.fault)
		}
	}
}
