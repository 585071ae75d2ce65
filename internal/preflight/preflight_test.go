package preflight

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"topobench/internal/profile"
	"topobench/internal/programs"
)

// request is for one mocker whose programs are shell scripts, without a GPU, on a disk with space.
func request(t *testing.T, names ...string) Request {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"aiperf", "python3"} {
		script := "#!/bin/sh\necho '{\"versions\": {\"ai-dynamo\": \"1.6.1\"}, \"modules\": [\"dynamo\"], \"stamps\": {}}'\n"
		if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	r := Request{Root: filepath.Join(dir, "root"), Temp: dir, TempName: "TMP", MinFree: 1, Environ: []string{"PATH=" + dir, "HOME=" + dir},
		Getenv: func(name string) string { return map[string]string{"PATH": dir, "HOME": dir}[name] }}
	for i, name := range names {
		p := read(t, name, name, ", port_base: "+[]string{"18500", "18550"}[i]) // below the ports of package e2e
		p.Model = dir
		r.Profiles = append(r.Profiles, p)
	}
	return r
}

func TestACompleteMachinePasses(t *testing.T) {
	report := All(t.Context(), request(t, "a", "b"))
	if err := report.Err(); err != nil || len(report.Warnings()) > 0 || len(report.Topologies) != 2 {
		t.Fatalf("%v, %+v", err, report)
	}
	for _, topology := range report.Topologies {
		if topology.Versions.Dynamo != "1.6.1" || !strings.HasSuffix(topology.Programs.AIPerf, "/aiperf") {
			t.Errorf("%+v", topology)
		}
	}
	for _, c := range report.Checks {
		if c.State != OK || c.Found == "" || c.Code != 0 {
			t.Errorf("%+v", c)
		}
	}
}

func TestAllFaultsAreReportedAtOnce(t *testing.T) {
	r := request(t, "a", "b")
	r.Profiles[1].Kind, r.Profiles[1].Load.ISL = r.Profiles[0].Kind, 7
	r.Profiles[0].Model = "/no/such/model"
	r.Profiles[0].Env = map[string]string{"TOKEN": "${ENV:NO_SUCH}"}
	r.Programs = programs.Paths{AIPerf: "/no/such/aiperf", NvidiaSMI: "/no/such/smi"}
	r.Baseline, r.MinFree, r.LogCap = "typo", 1<<62, 5
	err := All(t.Context(), r).Err()
	for name, want := range map[string][]string{
		Comparability: {"need one load", "would be one series", "--baseline typo is no series of this run"},
		Disk:          {"cannot start with so little space", "--log-cap 5 bytes is less than"},
		Programs:      {"cannot use the aiperf that --aiperf names"},
		GPUs:          {"cannot use the nvidia-smi that --nvidia-smi names"},
		Model:         {"/no/such/model is not a directory"},
		Environment:   {"variables that are not set; export NO_SUCH"},
	} {
		for _, text := range want {
			if n := count(err, name, text); n == 0 || n > 1 && name != Disk {
				t.Errorf("%s: %q is reported %d times:\n%v", name, text, n, err)
			}
		}
	}
}

// count is how many failed checks of that name have that text.
func count(err error, name, text string) (n int) {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return 0
	}
	for _, e := range joined.Unwrap() {
		if failed, ok := errors.AsType[*Error](e); ok && failed.Check.Code == usageCode && failed.Check.Name == name &&
			strings.Contains(failed.Error(), text) {
			n++
		}
	}
	return n
}

func TestAServerOfAnotherPersonNeedsAIPerfOnly(t *testing.T) {
	r := request(t)
	if err := os.Remove(filepath.Join(r.Temp, "python3")); err != nil {
		t.Fatal(err)
	}
	r.Profiles = []profile.Profile{{Name: "perf", Engine: programs.External}}
	report := All(t.Context(), r)
	if err := report.Err(); err != nil || report.Topologies[0].Programs.AIPerf == "" {
		t.Errorf("%v, %+v", err, report)
	}
}

func TestPortsThatClientsMayGetAreAWarning(t *testing.T) {
	r := request(t, "a")
	r.PortRange = filepath.Join(r.Temp, "range")
	for text, want := range map[string]int{"18000 19000": 1, "32768 60999": 0, "x": 0} {
		if err := os.WriteFile(r.PortRange, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		report := All(t.Context(), r)
		if got := report.Warnings(); len(got) != want || report.Err() != nil || want == 1 && got[0].Name != Ports {
			t.Errorf("%q: %+v, %v", text, got, report.Err())
		}
	}
}

// A model or a tokenizer that the hub does not give stops the run before it starts anything.
func TestWhatTheHubLacksIsAFault(t *testing.T) {
	const refuses = "#!/bin/sh\ncase $2 in *huggingface_hub*|*aiperf.common*) echo nothing of that name; exit 1; esac\n" +
		"echo '{\"versions\": {}, \"modules\": [\"dynamo\", \"aiperf\"], \"stamps\": {}}'\n"
	for why, change := range map[string]func(*profile.Profile){
		"the model":     func(p *profile.Profile) { p.Model = "a/b" },
		"the tokenizer": func(p *profile.Profile) { p.Tokenizer = "a/b" },
		"a directory":   func(p *profile.Profile) { p.Tokenizer = "/no/such/tokenizer" },
	} {
		r := request(t, "a")
		bin := r.Getenv("PATH")
		for name, script := range map[string]string{"python3": refuses, "aiperf": "#!" + bin + "/python3\n"} {
			if err := os.WriteFile(filepath.Join(bin, name), []byte(script), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		change(&r.Profiles[0])
		if err := All(t.Context(), r).Err(); count(err, Model, "nothing of that name") != 1 {
			t.Errorf("%s: %v", why, err)
		}
	}
}
