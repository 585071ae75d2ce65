package cli

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"topobench/internal/host/agent"
	"topobench/internal/host/slurm"
	"topobench/internal/host/ssh"
	"topobench/internal/profile"
	"topobench/profiles"
)

// Every key of a host, every message that is recognised, every profile over two machines and every limit has its line.
func TestHelpHostsIsComplete(t *testing.T) {
	text := help(t, "hosts")
	page := strings.Join(strings.Fields(text), " ")
	for field := range reflect.TypeFor[profile.Host]().Fields() {
		if key := field.Tag.Get("yaml"); !regexp.MustCompile(`(?m)^  ` + key + ` +\S`).MatchString(text) {
			t.Errorf("no key %s", key)
		}
	}
	var want []string
	for _, m := range slices.Concat(agent.Messages(), ssh.Messages(), slurm.Messages()) {
		want = append(want, address(m.Means)+". "+address(m.Next)+".")
	}
	for _, name := range profiles.Names() {
		if strings.HasSuffix(name, "-2node") {
			want = append(want, name)
		}
	}
	want = slices.Concat(want, agentFacts(), lossFacts(), hostLimits())
	for _, w := range append(want, "--hosts node0=", slurm.Salloc(2), "--orphan-grace", "topobench clean --host") {
		if !strings.Contains(page, strings.Join(strings.Fields(w), " ")) {
			t.Errorf("no %q", w)
		}
	}
}
