package plan

import (
	"strings"
	"testing"
)

// In a cluster the backends are names; on a machine a name stays a fault.
func TestTheBalancerOfAClusterHasTheSameConfiguration(t *testing.T) {
	backends := []string{"agg-0:8001", "agg-1:8002"}
	for _, config := range []string{"guide", "tuned"} {
		got, err := ClusterNginx(config, "0.0.0.0:8000", backends, "/run/topobench")
		if err != nil {
			t.Fatal(err)
		}
		machine, err := nginxConf(config, nginxValues{Listen: "127.0.0.1:8000", Prefix: "/run/topobench", Spool: "/run/topobench",
			Backends: []string{"127.0.0.1:8001", "127.0.0.1:8002"}})
		if err != nil {
			t.Fatal(err)
		}
		want := strings.NewReplacer("127.0.0.1:8000", "0.0.0.0:8000", "127.0.0.1:8001", backends[0], "127.0.0.1:8002", backends[1]).Replace(machine)
		if got != want {
			t.Errorf("%s:\n%s\nwant\n%s", config, got, want)
		}
	}
	for _, bad := range []string{"agg-0:8001; }", "agg_0:8001", "-agg:8001", "agg", "agg:x"} {
		if _, err := ClusterNginx("guide", "0.0.0.0:8000", []string{bad}, "/run"); err == nil {
			t.Errorf("the backend %q is taken", bad)
		}
	}
	if _, err := nginxConf("guide", nginxValues{Listen: "127.0.0.1:8000", Prefix: "/run", Spool: "/run", Backends: backends}); err == nil {
		t.Error("a name is taken for a server of this machine")
	}
}
