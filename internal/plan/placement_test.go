package plan

import (
	"slices"
	"strings"
	"testing"
)

func TestNamespaceHasNoDots(t *testing.T) {
	if got := Namespace("20261124-1", "agg-0.5_x"); strings.ContainsAny(got, "._") {
		t.Errorf("Dynamo splits %q at its dots", got)
	}
}

// Data of servers and nginx's spool can be apart from the launch's directory, which may be on another machine.
func TestDataOfServersIsOnALocalDisk(t *testing.T) {
	for _, name := range []string{"disagg-1node", "agg-1node"} {
		p, err := Make(builtIn(t, name), installed(), guide())
		if err != nil {
			t.Fatal(err)
		}
		to := place()
		to.Data = "/tmp/t1/d"
		placed, err := p.At(to, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range placed.Services {
			for _, arg := range s.Argv {
				server := s.Role == Etcd || s.Role == NATS
				if server && strings.HasPrefix(arg, to.Dir) && !strings.HasSuffix(arg, ".conf") {
					t.Errorf("%s: data at %s", s.Name, arg)
				}
			}
		}
		for _, f := range placed.Files {
			nginx := strings.HasSuffix(f.Path, nginxConfName)
			if nginx && !strings.Contains(f.Text, `proxy_temp_path "/tmp/t1/d/nginx/tmp/proxy"`) {
				t.Errorf("%s spills elsewhere:\n%s", f.Path, f.Text)
			}
		}
		if !slices.Contains(placed.Dirs, to.Data) && !slices.Contains(placed.Dirs, to.Data+"/nginx/tmp") {
			t.Errorf("%s: %q lacks the directory of the data", name, placed.Dirs)
		}
	}
}
