package kube

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"topobench/internal/profile"
)

// Graph is a manifest as a person wrote it: one DynamoGraphDeployment, and what it needs beside it.
type Graph struct {
	documents  []profile.Node
	graph      profile.Node
	components []component
	faults     profile.Faults
}

// component is one of a DynamoGraphDeployment of either version.
type component struct {
	name      string
	at        profile.Node // the component
	kind      string       // frontend, prefill, decode, worker
	container profile.Node // the main container
	limit     profile.Node // its GPUs; may be absent
	replicas  int
	nodes     int
	gpus      int // of a node
	argv      []string
	env       map[string]string // literal values
}

// Read reads a manifest. The error is profile.Faults, each with the path of its value.
func Read(source string, data []byte) (Graph, error) {
	documents, err := profile.Documents(source, data)
	if err != nil {
		return Graph{}, err
	}
	g := Graph{documents: documents}
	for _, d := range documents {
		switch {
		case d.At("apiVersion").Text() == "" || d.At("kind").Text() == "" || d.At("metadata", "name").Text() == "":
			g.fault(d, "it is no object of Kubernetes: it needs apiVersion, kind and metadata.name")
		case d.At("kind").Text() != graphKind:
		case g.graph.Given():
			g.fault(d.At("kind"), "there is a second %s: a profile is one topology", graphKind)
		default:
			g.graph = d
		}
	}
	if !g.graph.Given() && len(g.faults) == 0 {
		g.faults = append(g.faults, profile.Fault{Source: source, Text: "it has no " + graphKind})
	}
	if len(g.faults) == 0 {
		g.readComponents()
	}
	return g, g.err()
}

func (g *Graph) fault(at profile.Node, format string, args ...any) {
	g.faults = append(g.faults, at.Fault(format, args...))
}

// check adds the error of a value.
func (g *Graph) check(err error) {
	if fault, is := errors.AsType[profile.Fault](err); is {
		g.faults = append(g.faults, fault)
	}
}

// err is all faults in the order of the file.
func (g *Graph) err() error {
	if len(g.faults) == 0 {
		return nil
	}
	slices.SortStableFunc(g.faults, func(a, b profile.Fault) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return slices.Compact(g.faults)
}

func (g *Graph) name() string { return g.graph.At("metadata", "name").Text() }

func (g *Graph) readComponents() {
	version := g.graph.At("apiVersion")
	switch version.Text() {
	case graphVersion:
		for _, at := range g.graph.At("spec", "components").Items() {
			g.add(g.beta(at))
		}
	case "nvidia.com/v1alpha1":
		services := g.graph.At("spec", "services")
		for _, called := range services.Keys() {
			g.add(g.alpha(called, services.At(called)))
		}
	default:
		g.fault(version, "%q is neither nvidia.com/v1alpha1 nor %s", version.Text(), graphVersion)
		return
	}
	if len(g.components) == 0 && len(g.faults) == 0 {
		g.fault(g.graph.At("spec"), "it has no component")
	}
}

// add completes a component with what both versions have.
func (g *Graph) add(c component) {
	var err error
	c.replicas, err = c.at.At("replicas").Count(1)
	g.check(err)
	c.nodes = 1
	if multi := c.at.At("multinode"); multi.Given() {
		c.nodes, err = multi.At("nodeCount").Count(2)
		g.check(err)
	}
	c.gpus, err = c.limit.Count(0)
	g.check(err)
	if adapter := c.at.At("scalingAdapter"); adapter.Given() && adapter.At("enabled").Text() != "false" {
		g.fault(adapter, "an autoscaler changes the replicas while they are measured: remove it")
	}
	if len(g.name())+1+len(c.name) > longest {
		g.fault(c.at, "the Service %s-%s would have more than %d characters: shorten a name", g.name(), c.name, longest)
	}
	g.components = append(g.components, c)
}

// beta reads a component of v1beta1.
func (g *Graph) beta(at profile.Node) component {
	c := component{name: at.At("name").Text(), at: at, kind: at.At("type").Text()}
	if c.name == "" {
		g.fault(at, "the component has no name")
	}
	for _, container := range at.At("podTemplate", "spec", "containers").Items() {
		if container.At("name").Text() == mainContainer {
			c.container = container
		}
	}
	if !c.container.Given() {
		g.fault(at, "the component has no container %s (podTemplate.spec.containers)", mainContainer)
	}
	c.limit = c.container.At("resources", "limits", gpuResource)
	g.command(&c, g.graph.At("spec", "env"))
	return c
}

// alpha reads a service of v1alpha1.
func (g *Graph) alpha(called string, at profile.Node) component {
	c := component{name: called, at: at, kind: at.At("componentType").Text(),
		container: at.At("extraPodSpec", "mainContainer")}
	if sub := at.At("subComponentType").Text(); sub != "" {
		c.kind = sub
	}
	c.limit = c.container.At("resources", "limits", gpuResource)
	if own := at.At("resources", "limits", "gpu"); own.Given() {
		c.limit = own
	}
	g.command(&c, g.graph.At("spec", "envs"), at.At("envs"))
	return c
}

// command reads the command line of a component, with the literal values of variables in it.
func (g *Graph) command(c *component, outer ...profile.Node) {
	c.env = map[string]string{}
	for _, list := range append(outer, c.container.At("env")) {
		for _, v := range list.Items() {
			if v.At("value").Given() {
				c.env[v.At("name").Text()] = v.At("value").Text()
			}
		}
	}
	var argv []string
	for _, key := range []string{"command", "args"} {
		for _, word := range c.container.At(key).Items() {
			argv = append(argv, expand(word.Text(), c.env))
		}
	}
	c.argv = unshelled(argv)
}

// engine is the module that a component runs: dynamo.vllm.
func (c component) module() string {
	for i, arg := range c.argv[:max(0, len(c.argv)-1)] {
		if arg == "-m" {
			return c.argv[i+1]
		}
	}
	return ""
}

// options are those of the module.
func (c component) options() []profile.Option {
	for i, arg := range c.argv {
		if arg == "-m" && i+2 <= len(c.argv) {
			return profile.Options(c.argv[i+2:])
		}
	}
	return nil
}

// option is the last value of an option by one of its names.
func (c component) option(names ...string) (value string) {
	for _, o := range c.options() {
		if slices.Contains(names, o.Name) {
			value = o.Value
		}
	}
	return value
}

// asWritten takes the documents as they are, with our labels and owner.
func (m *maker) asWritten(g Graph) {
	for _, d := range g.documents {
		labels := m.labels()
		for _, label := range slices.Sorted(maps.Keys(labels)) {
			m.faults = append(m.faults, d.Set(labels[label], "metadata", "labels", label))
		}
		text := ""
		err := d.Set(owners(m.run), "metadata", "ownerReferences")
		if err == nil {
			text, err = d.YAML()
		}
		m.faults = append(m.faults, err)
		m.put(0, Object{Kind: d.At("kind").Text(), Name: d.At("metadata", "name").Text(), Text: text})
	}
	for _, c := range g.components {
		if c.kind == "frontend" {
			m.Entries = []Address{{fmt.Sprintf("%s-%s", m.Name, strings.ToLower(c.name)), frontendPort}}
		}
		m.Ready = append(m.Ready, Wanted{"dynamographdeployment", m.Name, c.name, c.replicas, 0})
	}
}
