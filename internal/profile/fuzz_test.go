package profile

import (
	"errors"
	"strings"
	"testing"
)

// FuzzParse: no text panics, every fault has a place, and a profile that is
// taken keeps the package's promises.
func FuzzParse(f *testing.F) {
	seeds := []string{
		valid, "", "#", "---\n---\n", "a: &a [*a]", "&a\n<<: *a", valid + "<<: [*b]", "x: &x {y: *x}", "? a\n? [b]\n", "- - -",
		head("dynamo") + "prefill: [&w {cuda_visible_devices: [0]}]\ndecode: [{<<: *w, cuda_visible_devices: [1]}]\nfrontend: {}\n",
		valid + "balancer: {config: tuned}\nenv: {A: '${ENV:B}'}\nload: {concurrency: [1, 0x1]}\ntimeouts: {cell: 5m}\n",
		valid + "hosts: {n: {transport: ssh, address: n}}\nversions: {vllm: 0.10}\nnice: !!int 5\nengine_args: [\"\\0\", hf_x]\n",
		valid + "env: {\"a\\nb\": ~}\n",
		head("command") + "prefill: {workers: 2}\ndecode: {}\ncommand: {argv: [s, '{port}{log}'], requests: n}\nengine_args: ['{prot}', '-a b']\n",
		"name: a\nkind: b\nkubernetes: {manifest: m.yaml}\n",
		valid + "kubernetes: {pod: {a: [1, &x {b: ~}], c: *x}, tolerations: [{key: k}], model_storage: {pvc: p, mount: /m}}\n",
		head("dynamo") + "prefill: {workers: 4, tensor_parallel: 2}\ndecode: &w {workers: 1}\naggregated: [*w, {workers: 2}]\n",
	}
	for _, seed := range seeds {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := atHome.Parse("p.yaml", data)
		if err != nil {
			checkFaults(t, data, err)
			return
		}
		checkPromises(t, p)
	})
}

// FuzzSet: no setting panics, and every fault is one line for a terminal.
func FuzzSet(f *testing.F) {
	f.Add(two, "decode.tensor_parallel=2")
	f.Add(two, "prefill[1].env.A={b: &c [*c]}")
	f.Add("decode: &w {workers: 1}\nprefill: {<<: *w}\n", "decode={<<: {workers: 2}}")
	f.Add("env: {A: b}\n", "env.\x00=1")
	f.Fuzz(func(t *testing.T, text, setting string) {
		p, err := set(head("dynamo")+text, setting)
		if err == nil {
			checkPromises(t, p)
			return
		}
		for _, fault := range err.(Faults) {
			if strings.ContainsFunc(fault.String(), isControl) {
				t.Errorf("fault %+q of %q would disturb a terminal", fault, setting)
			}
		}
	})
}

func checkFaults(t *testing.T, data []byte, err error) {
	t.Helper()
	faults, ok := errors.AsType[Faults](err)
	if !ok || len(faults) == 0 {
		t.Fatalf("error %v, want Faults", err)
	}
	for _, fault := range faults {
		if fault.Line < 1 || fault.Column < 1 || fault.Text == "" || fault.Source != "p.yaml" {
			t.Errorf("fault %+v has no place or text", fault)
		}
		if strings.ContainsFunc(fault.Text, func(r rune) bool { return isControl(r) || r == '\n' || r == '\r' }) {
			t.Errorf("fault %+q of %q would break the terminal's line", fault.Text, data)
		}
	}
}

func checkPromises(t *testing.T, p Profile) {
	t.Helper()
	if p.FromManifest() { // it has no worker yet
		if len(p.workers()) > 0 || p.Engine != "" || p.Kubernetes.Manifest == "" {
			t.Errorf("a topology beside the manifest %+v", p.Kubernetes)
		}
		return
	}
	workers, devices := p.workers(), 0
	for _, w := range workers {
		if p.Engine == "command" && len(p.Line(w.Worker, "h", 1, "log")) == 0 {
			t.Errorf("%s has no command", w.name)
		}
		if w.Count != 0 {
			t.Errorf("%s stands for %d workers", w.name, w.Count)
		}
		if w.TP < 1 || w.PP < 1 || w.DP < 1 || w.Width() != len(w.Devices) {
			t.Errorf("%s: %d x %d x %d for %v", w.name, w.TP, w.PP, w.DP, w.Devices)
		}
		devices += len(w.Devices)
	}
	if len(workers) == 0 || p.GPUs() < 1 || p.GPUs() > devices || !p.ShareGPU && p.GPUs() != devices {
		t.Errorf("%d workers with %d devices on %d GPUs", len(workers), devices, p.GPUs())
	}
	if p.Mode() == "aggregated" != (len(p.Aggregated) > 0) || p.Label() != p.Kind+"_"+p.Mode() {
		t.Errorf("mode %s, label %s", p.Mode(), p.Label())
	}
	if p.Load.ISL < 1 || p.Load.OSL < 1 || len(p.Load.Concurrency) == 0 || p.Timeouts.Ready <= 0 {
		t.Errorf("load %+v, timeouts %+v", p.Load, p.Timeouts)
	}
	if p.Engine == "dynamo" && p.Frontend == nil || p.Engine == "vllm" && p.Frontend != nil {
		t.Errorf("engine %s with frontend %v", p.Engine, p.Frontend)
	}
}
