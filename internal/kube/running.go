package kube

import (
	"cmp"
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"topobench/internal/plan"
	"topobench/internal/text"
)

// podPlace is where a pod runs, and the ports that its containers name.
type podPlace struct {
	Node       string `json:"nodeName"`
	Containers []struct {
		Name  string `json:"name"`
		Image string `json:"image"`
		Ports []struct {
			Name   string `json:"name"`
			Number int    `json:"containerPort"`
		} `json:"ports"`
		Env []struct {
			Name  string `json:"name"`
			Value string `json:"value"`
		} `json:"env"`
	} `json:"containers"`
}

// variable is the value of a variable of a container; "" = none has it.
func (p podPlace) variable(name string) string {
	for _, c := range p.Containers {
		for _, v := range c.Env {
			if v.Name == name {
				return v.Value
			}
		}
	}
	return ""
}

// port is the number of a named port; 0 = there is none.
func (p podPlace) port(name string) int {
	for _, c := range p.Containers {
		for _, port := range c.Ports {
			if port.Name == name {
				return port.Number
			}
		}
	}
	return 0
}

// image is the image that the spec of a container names.
func (p podPlace) image(container string) string {
	for _, c := range p.Containers {
		if c.Name == container {
			return c.Image
		}
	}
	return ""
}

// digest is an image by the digest of its registry, REPOSITORY@sha256:... An image that no registry has, such as an
// imported one, has only an id on its node: "NAME (sha256:...)".
func digest(image, id string) string {
	if _, pulled, is := strings.Cut(id, "-pullable://"); is { // Docker's
		id = pulled
	}
	if strings.Contains(id, "@sha256:") || image == "" {
		return id
	}
	return fmt.Sprintf("%s (%s)", image, id)
}

// Pod is a pod of a topology.
type Pod struct {
	Name, IP, Node string
	Role           string   // of a plan; "" = unknown
	Service        string   // name of its Deployment; "" = it is of a graph
	System         int      // port of a Dynamo worker's metrics; 0 = it is none
	Namespace      string   // that a Dynamo worker registers in
	Images         []string // by the digests of their registries
}

// describe are the topology's pods in a snapshot.
func (t Topology) describe(s Snapshot) (all []Pod) {
	for _, p := range t.pods(s) {
		pod := Pod{Name: p.Metadata.Name, IP: p.Status.IP, Node: p.Spec.Node, Role: p.Metadata.Labels[roleLabel]}
		if p.Metadata.Labels[graphLabel] == "" {
			pod.Service = p.Metadata.Labels[serviceLabel]
		} else if p.Spec.port("http") == 0 {
			pod.System = p.Spec.port("system")
			pod.Namespace = p.namespace()
		}
		pod.Role = cmp.Or(pod.Role, componentRole(p.Metadata.Labels[componentLabel]))
		for _, c := range p.Status.Containers {
			pod.Images = append(pod.Images, digest(p.Spec.image(c.Name), c.Image))
		}
		all = append(all, pod)
	}
	slices.SortFunc(all, func(a, b Pod) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// Labels of the operator: componentLabel has the type of a graph's component, which our labels of a manifest's pods
// lack, and namespaceLabel the namespace of Dynamo.
const (
	componentLabel = "nvidia.com/dynamo-component-type"
	namespaceLabel = "nvidia.com/dynamo-namespace"
)

// namespace is where a worker registers: since 1.0 the operator gives workers a suffix, which their next generation
// lacks.
func (p podObject) namespace() string {
	base := cmp.Or(p.Spec.variable("DYN_NAMESPACE"), p.Metadata.Labels[namespaceLabel])
	if suffix := p.Spec.variable("DYN_NAMESPACE_WORKER_SUFFIX"); suffix != "" {
		return base + "-" + suffix
	}
	return base
}

func componentRole(kind string) string {
	if kind == "worker" {
		return string(plan.Aggregated)
	}
	return kind
}

// Launch is the plan of a run for a topology: it starts no process, and its load runs in the cluster.
func (t Topology) Launch() plan.Plan {
	p := t.Plan
	p.Name = t.Profile.Name
	p.Services, p.External, p.Hosts, p.Files, p.Hardware = nil, nil, nil, nil, plan.Hardware{}
	p.Smoke.Counters, p.Smoke.Transfers = nil, nil
	p.Smoke.Direct = text.Each(t.Backends, func(a Address) string { return "http://" + a.at(a.Service) })
	if version := string(p.Versions.AIPerf); version != "" { // of the pod of the load
		programs := map[string]string{"aiperf": version}
		maps.Copy(programs, p.Deployment.Programs)
		p.Deployment.Programs = programs
	}
	return p
}

// Services are the pods of a stack as services of a plan, whose gates are probed from the cluster. The balancer has
// none: it is not to see connections without a request.
func (s *Stack) Services() (all []plan.Service) {
	p := s.Topology.Plan
	for _, pod := range s.Pods {
		service := plan.Service{Name: pod.Name, Role: plan.Role(pod.Role)}
		switch {
		case pod.System > 0:
			service.Gate = plan.Gate{Kind: plan.GateWorker, Address: Address{"", pod.System}.at(pod.IP)}
		case service.Role == plan.Balancer:
			continue
		default:
			service.Gate = s.gate(pod)
			service.Gate.Address = s.serving(pod).at(pod.IP)
		}
		for _, of := range p.Services { // its router mode shows who chooses the workers
			if of.Role == plan.Frontend && service.Role == plan.Frontend {
				service.Argv, service.Env = of.Argv, of.Env
			}
		}
		all = append(all, service)
	}
	return all
}

// gate is that of the process in a pod that takes requests. A frontend has the exact number of instances. That of a
// graph counts in the namespace of its workers, which the operator chooses.
func (s *Stack) gate(pod Pod) plan.Gate {
	p := s.Topology.Plan
	worker := strings.TrimPrefix(pod.Service, s.Topology.Name+"-")
	front := cmp.Or(strings.Replace(worker, string(plan.Aggregated), string(plan.Frontend), 1), string(plan.Frontend))
	for _, called := range []string{front, worker} {
		i := slices.IndexFunc(p.Services, func(of plan.Service) bool { return of.Name == called })
		if i < 0 {
			continue
		}
		gate := p.Services[i].Gate
		if pod.Service == "" {
			gate.Namespace = s.namespace()
		}
		if gate.Kind != plan.GateFrontend || gate.Namespace != "" {
			return gate
		}
	}
	return plan.Gate{Kind: plan.GateVLLM, Model: p.Model}
}

// namespace is that of Dynamo's workers; "" = it is not known, or they do not agree.
func (s *Stack) namespace() string {
	var all []string
	for _, pod := range s.Pods {
		if pod.System > 0 {
			all = append(all, pod.Namespace)
		}
	}
	if all = text.Distinct(all); len(all) != 1 {
		return ""
	}
	return all[0]
}

// serving is the Service of a pod that takes requests.
func (s *Stack) serving(pod Pod) Address {
	for _, o := range slices.Concat(s.Topology.Entries, s.Topology.Backends) {
		if o.Service == pod.Service {
			return o
		}
	}
	return s.Topology.Entries[0]
}

func (a Address) at(host string) string { return net.JoinHostPort(host, strconv.Itoa(a.Port)) }

// dynamoRequests is the counter of a Dynamo worker.
const dynamoRequests = "dynamo_component_requests_total"

// Counters are where the pods of a stack count their requests, and the KV caches that they fetched.
func (s *Stack) Counters() (requests, transfers []plan.Counter) {
	smoke := s.Topology.Plan.Smoke
	for _, pod := range s.Pods {
		switch {
		case pod.System > 0:
			url := fmt.Sprintf("http://%s/metrics", Address{"", pod.System}.at(pod.IP))
			if smoke.Uncounted == "" {
				requests = append(requests, plan.Counter{Service: pod.Name, URL: url, Metric: dynamoRequests})
			}
			if len(smoke.Transfers) > 0 && pod.Role == string(plan.Decode) {
				transfers = append(transfers, plan.Counter{Service: pod.Name, URL: url,
					Metric: smoke.Transfers[0].Metric})
			}
		case pod.Service != "":
			for _, c := range smoke.Counters {
				if pod.Service == s.Topology.Name+"-"+c.Service {
					requests = append(requests, onPod(c, pod))
				}
			}
		}
	}
	return requests, transfers
}

// onPod is a counter of a process in the pod of its own.
func onPod(c plan.Counter, pod Pod) plan.Counter {
	u, err := url.Parse(c.URL)
	if err == nil {
		u.Host = net.JoinHostPort(pod.IP, u.Port())
		c.URL = u.String()
	}
	c.Service = pod.Name
	return c
}

// NodesFact is the name of the nodes among the facts of a stack.
const NodesFact = "nodes"

// Facts describe where a stack runs, for deployment_config.json.
func (s *Stack) Facts() map[string]string {
	var nodes, images []string
	for _, p := range s.Pods {
		nodes, images = append(nodes, p.Node), append(images, p.Images...)
	}
	slices.Sort(nodes)
	slices.Sort(images)
	return map[string]string{"Kubernetes": s.cluster.version, NodesFact: strings.Join(text.Distinct(nodes), ", "),
		"images": strings.Join(text.Distinct(images), ", ")}
}
