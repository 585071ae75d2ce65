package kube

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"topobench/internal/profile"
	"topobench/internal/text"
)

// Complete adds what follows from the manifest to a profile: engine, model, roles, workers, GPUs and images. The error
// is profile.Faults.
func (g Graph) Complete(p profile.Profile) (profile.Profile, error) {
	k := *p.Kubernetes
	p.Kubernetes = &k
	g.faults = slices.Clone(g.faults)
	g.namespace(&k)
	g.roles()
	next, models := 0, map[string]component{}
	for i := range g.components {
		c := &g.components[i]
		switch c.kind {
		case "frontend":
			p.Frontend = &profile.Frontend{Port: frontendPort, Router: cmp.Or(c.option("router-mode"),
				c.env["DYN_ROUTER_MODE"])}
			k.LoadImage = cmp.Or(k.LoadImage, c.container.At("image").Text())
			continue
		case "prefill", "decode", "worker":
		default:
			continue // it has a fault
		}
		if c.replicas == 0 {
			continue
		}
		k.Image = cmp.Or(k.Image, c.container.At("image").Text())
		g.engine(&p, *c)
		g.model(&p, *c, models)
		w := g.worker(p, *c)
		role := map[string]*[]profile.Worker{"prefill": &p.Prefill, "decode": &p.Decode,
			"worker": &p.Aggregated}[c.kind]
		if c.replicas*w.Width() > mostGPUs-next {
			g.fault(c.at.At("replicas"), "%d replicas would be more than %d GPUs", c.replicas, mostGPUs)
			continue
		}
		for range c.replicas {
			w.Devices = nil
			for range w.Width() {
				w.Devices = append(w.Devices, next)
				next++
			}
			*role = append(*role, w)
		}
	}
	g.modes(p)
	return p, g.err()
}

const mostGPUs = 1024

// namespace is that of the documents, if they have one.
func (g *Graph) namespace(k *profile.Kubernetes) {
	for _, d := range g.documents {
		at := d.At("metadata", "namespace")
		if at.Text() != "" && k.Namespace != "" && k.Namespace != at.Text() {
			g.fault(at, "it is in the namespace %s, and the profile, or an object before it, in %s", at.Text(),
				k.Namespace)
		}
		k.Namespace = cmp.Or(k.Namespace, at.Text())
	}
}

// roles finds prefill and decode among workers: before v1beta1 their arguments had the role.
func (g *Graph) roles() {
	g.components = slices.Clone(g.components)
	fronts := 0
	for i := range g.components {
		c := &g.components[i]
		flag := c.option("disaggregation-mode")
		for _, role := range []string{"prefill", "decode"} {
			if c.option("is-"+role+"-worker") == "on" {
				flag = role
			}
		}
		switch {
		case c.kind == "frontend":
			fronts++
		case c.kind == "planner":
			g.fault(c.at, "a planner changes the replicas while they are measured: remove it")
		case c.kind == "epp":
			g.fault(c.at, "requests would enter through a gateway, and topobench sends them to the frontend: remove it")
		case c.kind == "worker" && (flag == "prefill" || flag == "decode"):
			c.kind = flag
		case c.kind == "prefill" || c.kind == "decode":
			if flag != "" && flag != c.kind && flag != "agg" {
				g.fault(c.at, "its type is %s, and its arguments have the role %s", c.kind, flag)
			}
		case c.kind != "worker":
			g.fault(c.at, "the type %q is none of frontend, worker, prefill and decode", c.kind)
		}
	}
	if fronts != 1 {
		g.fault(g.graph.At("spec"), "it has %d frontends instead of one", fronts)
	}
	split := slices.ContainsFunc(g.components, func(c component) bool { return c.kind == "prefill" })
	for i := range g.components {
		if c := &g.components[i]; split && c.kind == "worker" { // Dynamo before 0.6 has no flag for decode
			c.kind = "decode"
		}
	}
}

// modes checks that the roles make a topology.
func (g *Graph) modes(p profile.Profile) {
	switch spec := g.graph.At("spec"); {
	case len(g.faults) > 0:
	case len(p.Prefill)+len(p.Decode)+len(p.Aggregated) == 0:
		g.fault(spec, "it has no worker")
	case len(p.Aggregated) > 0 && len(p.Prefill)+len(p.Decode) > 0:
		g.fault(spec, "it has aggregated workers beside those for prefill and decode: one profile is one topology")
	case len(p.Aggregated) == 0 && (len(p.Prefill) == 0 || len(p.Decode) == 0):
		g.fault(spec, "prefill and decode need each other")
	}
}

// engine is the same one for all workers.
func (g *Graph) engine(p *profile.Profile, c component) {
	module := c.module()
	engine := map[string]string{"dynamo.vllm": "dynamo", "dynamo.mocker": "mocker", "dynamo.sglang": "command",
		"dynamo.trtllm": "command"}[module]
	switch {
	case engine == "":
		g.fault(c.container, "its command does not run dynamo.vllm, dynamo.mocker, dynamo.sglang or dynamo.trtllm, so "+
			"no engine follows from it")
	case p.Engine != "" && p.Engine != engine:
		g.fault(c.container, "it runs %s, and another worker runs another engine", module)
	default:
		p.Engine = engine
	}
	if engine == "command" && p.Command == nil {
		p.Command = &profile.Command{Argv: []string{"python3", "-m", module}}
	}
}

// model is the same one for all workers.
func (g *Graph) model(p *profile.Profile, c component, first map[string]component) {
	model := c.option("model", "model-path")
	served, _, _ := strings.Cut(c.option("served-model-name", "model-name"), " ")
	for what, value := range map[string]struct {
		text string
		to   *string
	}{"model": {model, &p.Model}, "served name": {cmp.Or(served, model), &p.ServedName}} {
		before, seen := first[what]
		switch {
		case value.text == "" || strings.Contains(value.text, "$"):
			g.fault(c.container, "its arguments have no %s with a known value (--model, --model-path)", what)
		case seen && *value.to != value.text:
			g.fault(c.container, "its %s is %s, and that of %s is %s", what, value.text, before.name, *value.to)
		default:
			*value.to, first[what] = value.text, c
		}
	}
}

// worker is one of a component's replicas: its GPUs are those of its pods, and its parallelisms must use them all.
func (g *Graph) worker(p profile.Profile, c component) profile.Worker {
	w := profile.Worker{TP: 1, PP: 1, DP: 1, EngineArgs: c.engineArgs(), Env: maps.Clone(c.env)}
	gpus := c.nodes * c.gpus
	if p.Engine == "command" { // the options of its engine are unknown here: the chart needs the product only
		w.TP = max(1, gpus)
	} else {
		w.TP = g.size(c, "tensor-parallel-size", "-tp")
		w.PP = g.size(c, "pipeline-parallel-size", "-pp")
		w.DP = g.size(c, "data-parallel-size", "-dp")
	}
	switch {
	case p.Engine == "mocker" && gpus == 0: // nominal
	case gpus == 0:
		g.fault(c.container, "it has no limit of %s, so the GPU count of the chart does not follow from the manifest",
			gpuResource)
	case w.Width() != gpus:
		g.fault(c.limit, "%s x %s are %d, and its arguments use %d (tensor %d x pipeline %d x data %d)",
			text.Count(c.nodes, "node", "nodes"), text.Count(c.gpus, "GPU", "GPUs"), gpus, w.Width(), w.TP, w.PP, w.DP)
	}
	return w
}

// size is the number of an option, 1 if the arguments lack it.
func (g *Graph) size(c component, long, short string) int {
	given := c.option(long, short)
	if given == "" {
		return 1
	}
	n, err := strconv.Atoi(given)
	if err != nil || n < 1 || n > mostGPUs {
		g.fault(c.container, "--%s must be a number from 1 to %d, not %.40q", long, mostGPUs, given)
		return 1
	}
	return n
}

// engineArgs are the arguments of the module without those that are keys of a profile.
func (c component) engineArgs() (args []string) {
	own := []string{"model", "model-path", "served-model-name", "model-name", "tensor-parallel-size", "-tp",
		"pipeline-parallel-size", "-pp", "data-parallel-size", "-dp", "disaggregation-mode", "is-prefill-worker",
		"is-decode-worker"}
	start := slices.Index(c.argv, "-m") + 2
	options := c.options()
	for i, o := range options {
		end := len(c.argv) - start
		if i+1 < len(options) {
			end = options[i+1].Index
		}
		if !slices.Contains(own, o.Name) {
			args = append(args, c.argv[start+o.Index:start+end]...)
		}
	}
	return args
}
