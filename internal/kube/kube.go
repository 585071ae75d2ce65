// Package kube turns profiles into objects of Kubernetes, and manifests of Dynamo into profiles.
//
// Make is pure: a profile, and the text of its manifest if it has one, gives a Topology with objects as text, in the
// order of their creation. Script prints them with the lines of kubectl that a person would type.
package kube

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"topobench/internal/aiperf"
	"topobench/internal/plan"
	"topobench/internal/profile"
)

// RunLabel is on every object that topobench creates, with the id of the run.
const RunLabel = "topobench/run"

// Labels beside RunLabel.
const (
	topologyLabel = "topobench/topology"
	serviceLabel  = "topobench/service"
	roleLabel     = "topobench/role"
)

// Owner is in the place of the UID of the load's Job in the text of an object.
const Owner = "@OWNER@"

// Topology is a profile on a cluster.
type Topology struct {
	Name    string // of the DynamoGraphDeployment; every other name begins with it
	Profile profile.Profile
	Plan    plan.Plan  // its load goes to the Services in the cluster
	Waves   [][]Object // the objects of a wave are created once those of the wave before are ready
	Entries []Address  // Services that take requests
	// Backends are the Services behind a balancer.
	Backends []Address
	Ready    []Wanted // what must be ready, in order of creation

	run string
}

// Object is one object of a cluster as YAML, with Owner for the UID of its owner.
type Object struct {
	Kind, Name string
	Text       string
}

// Address is a Service of the namespace.
type Address struct {
	Service string
	Port    int
}

// Wanted is the number of ready pods of a component of a DynamoGraphDeployment, or of a Deployment.
type Wanted struct {
	Kind, Name string // resource and name, as kubectl takes them
	Component  string // of the DynamoGraphDeployment; "" for a Deployment
	Replicas   int
	Wave       int
}

// object and list are JSON as Kubernetes has it.
type (
	object = map[string]any
	list   = []any
)

// Directories of a pod.
const (
	podDir   = "/tmp/topobench"
	podSpool = podDir + "/tmp" // an empty volume
	// Artifacts is where the pod of the load writes the results of a topology, below its name.
	Artifacts = podDir + "/artifacts"
)

// Make decides how a profile runs on a cluster. manifest is the text of the file that kubernetes.manifest names. The
// error has all faults.
func Make(p profile.Profile, manifest []byte, run string, o aiperf.Options) (Topology, error) {
	p = flat(p)
	var graph Graph
	if p.FromManifest() {
		var err error
		if graph, err = Read(p.Kubernetes.Manifest, manifest); err == nil {
			p, err = graph.Complete(p)
		}
		if err != nil {
			return Topology{}, err
		}
	}
	if err := check(p); err != nil {
		return Topology{}, err
	}
	launch, err := plan.Make(p, installation(p), o)
	if err != nil {
		return Topology{}, err
	}
	m := maker{p: p, Topology: Topology{Name: name(longestGraph, p.Name), Profile: p, run: name(longest, run)}}
	if p.FromManifest() {
		m.Name = graph.name()
	}
	if m.plan, err = launch.At(plan.Placement{Dir: podDir, Temp: "/tmp", Namespace: m.Name, Cookie: run,
		Artifacts: path.Join(Artifacts, m.Name)}, nil); err != nil {
		return Topology{}, err
	}
	switch {
	case p.FromManifest():
		m.asWritten(graph)
	case p.Dynamo() && p.Frontend != nil:
		m.graph()
	default:
		m.servers()
	}
	m.load()
	return m.Topology, errors.Join(m.faults...)
}

// maker collects the objects of a topology.
type maker struct {
	Topology
	p      profile.Profile
	plan   plan.Plan // placed in a pod
	faults []error
}

// add appends an object to a wave, with its labels and its owner.
func (m *maker) add(wave int, kind, version, called string, rest object) {
	o := object{"apiVersion": version, "kind": kind, "metadata": object{"name": called, "labels": m.labels(),
		"ownerReferences": owners(m.run)}}
	maps.Copy(o, rest)
	text, err := profile.YAML(o)
	m.faults = append(m.faults, err)
	m.put(wave, Object{Kind: kind, Name: called, Text: text})
}

func (m *maker) put(wave int, o Object) {
	for len(m.Waves) <= wave {
		m.Waves = append(m.Waves, nil)
	}
	m.Waves[wave] = append(m.Waves[wave], o)
}

func (m *maker) labels() object { return object{RunLabel: m.run, topologyLabel: m.Name} }

// owners names the Job of the load: its end deletes every object of the run.
func owners(run string) list {
	return list{object{"apiVersion": "batch/v1", "kind": "Job", "name": JobName(run), "uid": Owner}}
}

// load points the load at the Services.
func (m *maker) load() {
	m.Plan = m.plan
	m.Plan.Load.URLs, m.Plan.Smoke.URLs = nil, nil
	for _, e := range m.Entries {
		url := fmt.Sprintf("http://%s:%d", e.Service, e.Port)
		m.Plan.Load.URLs = append(m.Plan.Load.URLs, url)
		m.Plan.Smoke.URLs = append(m.Plan.Smoke.URLs, url)
	}
	m.Plan.Deviations = deviations(m.Topology, m.Plan.Deviations)
}

// service is a process of the plan by its name.
func (m *maker) service(called string) plan.Service {
	i := slices.IndexFunc(m.plan.Services, func(s plan.Service) bool { return s.Name == called })
	return m.plan.Services[i]
}

// flat is a profile without machines: the scheduler places pods, each with an address of its own, and the device
// plugin chooses their GPUs. It numbers the GPUs itself, since two machines may use the same numbers.
func flat(p profile.Profile) profile.Profile {
	p.Hosts = nil
	p.Discovery = profile.Discovery{Etcd: absent, NATS: absent} // the operator's, instead
	next := 0
	for _, role := range []*[]profile.Worker{&p.Prefill, &p.Decode, &p.Aggregated} {
		*role = slices.Clone(*role)
		for i := range *role {
			w := &(*role)[i]
			w.Host, w.UUIDs, w.Devices = "", nil, nil
			for range w.Width() {
				w.Devices = append(w.Devices, next)
				next++
			}
			if first := (*role)[0].Port; w.Port > 0 && first > 0 {
				w.Port = first + i
			}
		}
	}
	if p.Frontend != nil {
		p.Frontend = &profile.Frontend{Port: frontendPort, Router: p.Frontend.Router}
	}
	if p.Balancer != nil {
		p.Balancer = &profile.Balancer{Port: p.Balancer.Port, Config: p.Balancer.Config}
	}
	if p.Kubernetes == nil {
		p.Kubernetes = &profile.Kubernetes{}
	}
	return p
}

const (
	absent       = "none"
	frontendPort = 8000 // of Dynamo's operator
)

// installation is that of the images: programs have their bare names, and the tag of the image is the version. vLLM's
// own image has its version; the tag of another image with vLLM in it, such as Dynamo's, is not vLLM's.
func installation(p profile.Profile) plan.Installation {
	on := plan.Installation{Root: true, Programs: plan.Programs{Python: "python3", VLLM: "vllm", AIPerf: "aiperf",
		Nginx: "nginx"}}
	tag := plan.Version(strings.TrimPrefix(tagOf(p.Kubernetes.Image), "v"))
	switch {
	case !tag.Release():
	case strings.HasPrefix(path.Base(p.Kubernetes.Image), "vllm-openai"):
		on.Versions.VLLM = tag
	case p.Engine != "vllm":
		on.Versions.Dynamo = tag
	}
	return on
}

// tagOf is the tag of an image; "" = none.
func tagOf(image string) string {
	image, _, _ = strings.Cut(image, "@")
	_, last, _ := strings.Cut(image[strings.LastIndex(image, "/")+1:], ":")
	return last
}
