package profile

import (
	"cmp"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// pattern is what a value may look like, and how many bytes it may have. A count within the expression, {0,63}, would
// be compiled into as many copies. It is compiled when it is used: every service has a shepherd, which is this program
// and checks no profile.
type pattern struct {
	most  int
	shape func() *regexp.Regexp
}

func shaped(most int, expression string) pattern {
	return pattern{most, sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expression) })}
}

func (p pattern) matches(value string) bool {
	return len(value) <= p.most && p.shape().MatchString(value)
}

var (
	namePattern    = shaped(64, `^[a-z0-9][a-z0-9._-]*$`)
	kindPattern    = shaped(64, `^[A-Za-z0-9][A-Za-z0-9._-]*$`)
	routerPattern  = shaped(64, `^[a-z][a-z0-9-]*$`)
	versionPattern = shaped(64, `^[0-9][0-9A-Za-z.+-]*$`)
	uuidPattern    = shaped(80, `^GPU-[0-9A-Za-z-]+$`)
	// addressPattern keeps options of ssh and srun out: no address begins with a dash.
	addressPattern = shaped(253, `^[A-Za-z0-9_:][A-Za-z0-9._:-]*$`)
	userPattern    = shaped(64, `^[A-Za-z0-9_][A-Za-z0-9._-]*$`)
)

// versioned are the programs a profile may state a version for.
var versioned = []string{"aiperf", "dynamo", "etcd", "nats", "nginx", "vllm"}

// check finds what is wrong with a profile whose every value is fine alone.
func check(p Profile) []problem {
	if p.FromManifest() {
		return slices.Concat(checkManifest(p), checkKubernetes(p), checkLoad(p.Load), checkLoadArgs(p.Load),
			checkSLO(p.Load), checkVersions(p.Versions))
	}
	return slices.Concat(
		checkNames(p), checkRoles(p), checkFrontend(p), checkBalancer(p), checkDiscovery(p),
		checkWorkers(p), checkCommand(p), checkGPUs(p), checkPorts(p), checkLoad(p.Load), checkLoadArgs(p.Load),
		checkSLO(p.Load),
		checkEvidence(p), checkHosts(p), checkVersions(p.Versions), checkEnvironment(p), checkKubernetes(p))
}

func checkNames(p Profile) (found problems) {
	required := []struct{ key, value, example string }{
		{"name", p.Name, "name: disagg-1node"}, {"kind", p.Kind, "kind: " + exampleKind(p.Engine)},
		{"engine", p.Engine, "engine: dynamo, vllm, mocker or command"}, {"model", p.Model, "model: Qwen/Qwen3-0.6B"},
	}
	for _, r := range required {
		if r.value == "" {
			found.add(r.key, "%s is missing: add %q", r.key, r.example)
		}
	}
	if p.Name != "" && !namePattern.matches(p.Name) {
		found.add("name",
			"name %.80q: use a-z, 0-9, dot, underscore and dash, at most 64, a letter or digit first", p.Name)
	}
	if p.Kind != "" && !kindPattern.matches(p.Kind) {
		found.add("kind",
			"kind %.80q: use letters, digits, dot, underscore and dash, at most 64, a letter or digit first", p.Kind)
	}
	arguments := []struct{ key, value string }{
		{"model", p.Model}, {"served_name", p.ServedName}, {"tokenizer", p.Tokenizer},
	}
	for _, a := range arguments {
		if strings.HasPrefix(a.value, "-") {
			found.add(a.key, "%s %.80q would be taken for an option: it may not begin with a dash", a.key, a.value)
		}
	}
	return found
}

// exampleKind is a label that does not misname the engine.
func exampleKind(engine string) string {
	kinds := map[string]string{"dynamo": "dynamo_vllm", "vllm": "vllm_serve", "mocker": "dynamo_mocker"}
	return cmp.Or(kinds[engine], "LABEL")
}

func checkRoles(p Profile) (found problems) {
	prefill, decode, aggregated := len(p.Prefill) > 0, len(p.Decode) > 0, len(p.Aggregated) > 0
	switch {
	case !prefill && !decode && !aggregated:
		found.add("aggregated", "no worker: give aggregated, or prefill and decode")
	case aggregated && prefill:
		found.clash("aggregated",
			"prefill", "aggregated and prefill (%s) exclude each other: one profile is one topology", firstLine)
	case aggregated && decode:
		found.clash("aggregated",
			"decode", "aggregated and decode (%s) exclude each other: one profile is one topology", firstLine)
	case prefill && !decode:
		found.add("decode", "prefill without decode: add at least one decode worker")
	case decode && !prefill:
		found.add("prefill", "decode without prefill: add at least one prefill worker, or call the workers aggregated")
	}
	if p.Engine == "vllm" && p.Python != "" {
		found.add("python#", "engine vllm does not run python: name the vllm command with the key vllm")
	}
	if p.Engine == "command" && !p.Dynamo() && p.Python != "" {
		found.add("python#", "engine command runs python for Dynamo's frontend only: name the server's in command.argv")
	}
	if p.Engine != "vllm" && p.VLLM != "" {
		found.add("vllm#", "only engine vllm runs the vllm command: name the interpreter with the key python")
	}
	if p.Engine == "vllm" && (prefill || decode) {
		found.add("engine",
			"engine vllm serves aggregated workers only: prefill and decode need engine dynamo, mocker or command")
	}
	return found
}

func checkDiscovery(p Profile) (found problems) {
	services := []struct {
		key, value string
		schemes    []string
	}{
		{"discovery.etcd", p.Discovery.Etcd, []string{"http", "https"}},
		{"discovery.nats", p.Discovery.NATS, []string{"nats"}},
	}
	for _, s := range services {
		if s.value == none {
			continue
		}
		if !p.Dynamo() {
			found.add(s.key, "engine %s has no discovery: remove %s", p.Engine, s.key)
			continue
		}
		u, err := url.Parse(s.value)
		switch {
		case s.value == start:
		case err != nil || !slices.Contains(s.schemes, u.Scheme) || u.Host == "":
			found.add(s.key,
				"%s must be start, none or a URL such as %s://host:port, not %.80q", s.key, s.schemes[0], s.value)
		case u.User != nil:
			found.add(s.key, "%s has credentials in its URL: give them in env, by reference: ${ENV:NAME}", s.key)
		}
	}
	return found
}

func checkLoad(load Sweep) (found problems) {
	if len(load.Concurrency) == 0 {
		found.add("load.concurrency", "load.concurrency is empty: give at least one level, such as [1, 2, 4]")
	}
	for i, c := range load.Concurrency {
		if slices.Contains(load.Concurrency[:i], c) {
			found.add(index("load.concurrency", i), "concurrency %d is given twice", c)
		}
	}
	return found
}

func checkVersions(versions map[string]string) (found problems) {
	for key, version := range versions {
		path := join("versions", key)
		switch {
		case !slices.Contains(versioned, key):
			found.add(path+"#", "unknown key %.80q%s", key, suggest(key, versioned))
		case !versionPattern.matches(version):
			found.add(path, "%s must be a version such as 1.6.1, not %.80q", path, version)
		}
	}
	return found
}
