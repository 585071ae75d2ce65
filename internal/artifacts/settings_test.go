package artifacts

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSidesHaveNamesOfTheirOwn(t *testing.T) {
	side := func(kind, name, block string) Deployment {
		return Deployment{Kind: kind, Mode: "aggregated", Name: name, Settings: Values{"block-size": block}}
	}
	for _, row := range []struct {
		why   string
		sides []Deployment
		want  []string
	}{
		{"names", []Deployment{side("k", "a", "1"), side("k", "b", "2")}, []string{"a", "b"}},
		{"one name, two labels", []Deployment{side("k", "a", "1"), side("l", "a", "2")}, []string{"k_aggregated", "l_aggregated"}},
		{"one name, two labels, equal settings", []Deployment{side("k", "a", "1"), side("l", "a", "1")}, []string{"k_aggregated", "l_aggregated"}},
		{"one name, one label", []Deployment{side("k", "a", "1"), side("k", "a", "2")}, []string{"artifacts_0", "artifacts_1"}},
		{"two of three have one label", []Deployment{side("k", "a", "1"), side("k", "a", "2"), side("l", "a", "3")},
			[]string{"artifacts_0", "artifacts_1", "l_aggregated"}},
		{"a repeat of the first", []Deployment{side("k", "a", "1"), side("k", "a", "1"), side("k", "a", "2")}, []string{"artifacts_0", "artifacts_2"}},
		{"a tree without settings before it", []Deployment{{Kind: "k", Mode: "aggregated"}, side("k", "a", "1"), side("k", "a", "2")},
			[]string{"artifacts_1", "artifacts_2"}},
	} {
		var names []string
		for _, s := range CompareSettings(row.sides, "artifacts_0", "artifacts_1", "artifacts_2").Sides {
			names = append(names, s.Name)
		}
		if diff := cmp.Diff(row.want, names); diff != "" {
			t.Errorf("%s (-want +got): %s", row.why, diff)
		}
	}
}

func TestKnownDefaults(t *testing.T) {
	for _, row := range []struct{ engine, name, value, want string }{
		{"vLLM 0.10.1.1", "gpu-memory-utilization", "default", "0.9 (default)"},
		{"vLLM 0.12.0", "gpu-memory-utilization", "default", "0.9 (default)"},
		{"vLLM 0.20.0", "gpu-memory-utilization", "default", "default"},
		{"vLLM 0.31.0", "gpu-memory-utilization", "default", "0.92 (default)"},
		{"vLLM 0.31.0", "gpu-memory-utilization", "prefill 0.8, decode default", "prefill 0.8, decode 0.92 (default)"},
		{"vLLM 0.1.dev17235+gf52870f26", "gpu-memory-utilization", "default", "default"},
		{"vLLM 0.0.0", "gpu-memory-utilization", "default", "default"},
		{"vLLM of unknown version", "gpu-memory-utilization", "default", "default"},
		{"vLLM of unknown version", "dtype", "default", "auto (default)"},
		{"vLLM 0.31.0", "enforce-eager", "default", "off (default)"},
		{"vLLM 0.31.0", "enforce-eager", "on", "on"},
		{"vLLM 0.31.0", "max-num-seqs", "default", "default"},
		{"Dynamo mocker 1.6.1", "dtype", "default", "default"},
		{"", "dtype", "default", "default"},
	} {
		got := Complete([]Deployment{{Settings: Values{"engine": row.engine, row.name: row.value}}})[0][row.name]
		if got != row.want {
			t.Errorf("%s of %s: %q is %q, want %q", row.name, row.engine, row.value, got, row.want)
		}
	}
}

func TestADefaultIsLikeTheArgumentThatSetsIt(t *testing.T) {
	for _, row := range []struct {
		why    string
		values []string
		want   bool
	}{
		{"the same", []string{"16", "16"}, true},
		{"another", []string{"16", "32"}, false},
		{"set to the default", []string{"auto (default)", "auto"}, true},
		{"set to another", []string{"auto (default)", "half"}, false},
		{"two known defaults", []string{"0.9 (default)", "0.92 (default)"}, false},
		{"a default that is not known", []string{"default", "auto (default)", "default"}, true},
		{"a value against a default that is not known", []string{"16", "default"}, false},
		{"a value after two defaults", []string{"default", "16 (default)", "16"}, false},
	} {
		if got := Alike(row.values); got != row.want {
			t.Errorf("%s: alike %t", row.why, got)
		}
	}
}

func TestGroupsOfDifferences(t *testing.T) {
	of := func(x string) Deployment {
		return Deployment{Name: x, Settings: Values{"max-num-seqs": x, "dtype": "auto"}, Variables: Values{"LD_PRELOAD": x},
			Programs: Values{"nginx": x, "aiperf": "1"}, Machine: Values{GPUModel: x}}
	}
	want := map[string]Group{"LD_PRELOAD": Variable, "nginx": Program, GPUModel: Hardware}
	if diff := cmp.Diff(want, CompareSettings([]Deployment{of("a"), of("b")}).Groups); diff != "" {
		t.Errorf("(-want +got): %s", diff)
	}
}
