package plan

import (
	"fmt"
	"strings"
	"testing"

	"topobench/profiles"
)

// wide is a node of sixteen GPUs, all of them workers.
func wide(base int) string {
	return wideText(base, 16)
}

// wideText is a profile with n workers of one GPU each before one of eight.
func wideText(base, n int) string {
	var workers []string
	for i := range n {
		workers = append(workers, fmt.Sprintf("{cuda_visible_devices: [%d]}", i))
	}
	list := strings.Join(workers, ", ")
	return fmt.Sprintf("{name: wide, kind: k, engine: dynamo, model: m, port_base: %d, prefill: [%s], "+
		"decode: [{cuda_visible_devices: [100, 101, 102, 103, 104, 105, 106, 107], tensor_parallel: 8}]}", base, list)
}

func TestPortsAreDistinctAndLow(t *testing.T) {
	plans := []Plan{textPlan(t, wide(23000)), textPlan(t, wide(1024))}
	for _, name := range profiles.Names() {
		plans = append(plans, builtInPlan(t, name))
	}
	for _, p := range plans {
		taken := map[int]Port{}
		for _, port := range p.Ports() {
			if other, twice := taken[port.Number]; twice {
				t.Errorf("%s: %+v and %+v", p.Name, port, other)
			}
			taken[port.Number] = port
			if port.Number > 32767 || port.Service == "" || port.Use == "" {
				t.Errorf("%s: %+v is too high or nobody's", p.Name, port)
			}
		}
	}
}

// A rank of a worker listens on base + rank: the next worker must begin behind it.
func TestSideChannelsLeaveRoomForRanks(t *testing.T) {
	p := textPlan(t, wide(23000))
	last := 0
	for _, s := range p.Services {
		for _, port := range s.Ports {
			if port.Use != "nixl" {
				continue
			}
			if last > 0 && port.Number-last < 8 {
				t.Errorf("%s begins %d ports behind its neighbour, want 8", s.Name, port.Number-last)
			}
			last = port.Number
		}
	}
	if last == 0 {
		t.Error("no side channel in the plan")
	}
}

func TestPortsOfTheEphemeralRangeAreTold(t *testing.T) {
	p := textPlan(t, "{name: a, kind: b, engine: mocker, model: m, frontend: {port: 8000}, aggregated: [{cuda_visible_devices: [0]}, {cuda_visible_devices: [1]}]}")
	for _, row := range []struct {
		why  string
		kern Ephemeral
		want string // before the colon
	}{
		{"Linux's own", Ephemeral{32768, 60999}, ""},
		{"not known", Ephemeral{}, ""},
		{"both ends are in it", Ephemeral{23100, 23101}, "23100 (system of aggregated-0), 23101 (system of aggregated-1)"},
		{"a wide one", Ephemeral{1024, 23100}, "8000 (http of frontend), 23100 (system of aggregated-0)"},
		{"between them", Ephemeral{8001, 23099}, ""},
	} {
		got := row.kern.Warning(p)
		if ports, _, _ := strings.Cut(got, ": "); ports != row.want {
			t.Errorf("%s: %q, want %q", row.why, got, row.want)
		}
	}
	if got := (Ephemeral{1, 65535}).Warning(builtInPlan(t, "agg-2node")); got != "" {
		t.Errorf("another machine has another range: %q", got)
	}
}

// The highest port_base depends on the workers. One fault names it, and it works.
func TestTheHighestPortBaseOfAProfileWorks(t *testing.T) {
	_, err := made(read(t, "p", wideText(32000, 40)), installed(), guide())
	if err == nil || strings.Count(err.Error(), "\n") > 0 || !strings.Contains(err.Error(), "29767 and lower") {
		t.Errorf("want one fault for all workers, got %v", err)
	}
	textPlan(t, wideText(29767, 40))
	textPlan(t, "{name: a, kind: b, engine: mocker, model: m, port_base: 32000, aggregated: {workers: 8}}")
}

func TestF10ClashingPorts(t *testing.T) {
	const head = "{name: a, kind: b, engine: mocker, model: m, "
	for _, row := range []struct {
		why, text string
		words     []string
	}{
		{"the frontend's port is a worker's system port", head + "frontend: {port: 23100}, aggregated: [{cuda_visible_devices: [0]}]}",
			[]string{"/p/p.yaml: port 23100 is used twice", "http of frontend", "system of aggregated-0"}},
		{"the kernel may have given it to a client", strings.Replace(wideText(31000, 16), "decode: [", "frontend: {port: 31100}, decode: [", 1),
			[]string{"port_base 31000 is too high for 17 workers: port 32800 for internal of decode-0", "30967 and lower", "port 31100 is used twice"}},
	} {
		_, err := made(read(t, "/p/p.yaml", row.text), installed(), guide())
		if err == nil {
			t.Errorf("%s: no error", row.why)
			continue
		}
		for _, word := range row.words {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%s: no %q in\n%v", row.why, word, err)
			}
		}
	}
}

// A frontend of Dynamo also takes the workers of every namespace that begins with its own.
func TestNoNamespaceOfAFrontendBeginsWithThatOfAnother(t *testing.T) {
	p := textPlan(t, "{name: a, kind: b, engine: mocker, model: m, balancer: {port: 9000}, aggregated: {workers: 12, port: 8001}}")
	seen := map[string]bool{}
	for _, s := range p.Services {
		if s.Role == Frontend {
			seen[s.Gate.Namespace] = true
		}
	}
	for one := range seen {
		for other := range seen {
			if one != other && strings.HasPrefix(other, one) {
				t.Errorf("%q begins with %q", other, one)
			}
		}
	}
	if len(seen) != 12 {
		t.Errorf("%d namespaces of 12 frontends", len(seen))
	}
}
