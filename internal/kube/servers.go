package kube

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"topobench/internal/plan"
)

const (
	loopback  = "127.0.0.1"
	everybody = "0.0.0.0" // the address of a pod is known only once it runs
)

// servers makes a Deployment and a Service for each aggregated worker that takes requests itself, and nginx before
// them. A mocker has a frontend of its own in its pod, as it has on a machine.
func (m *maker) servers() {
	var backends []string
	for i, w := range m.p.Aggregated {
		worker := m.service(fmt.Sprintf("%s-%d", plan.Aggregated, i))
		called := fmt.Sprintf("%s-%s", m.Name, worker.Name)
		c := m.withGPUs(m.server(mainContainer, worker), w)
		containers, port := []object{c}, portOf(worker)
		if m.p.Engine == "mocker" {
			front := m.service(fmt.Sprintf("%s-%d", plan.Frontend, i))
			containers, port = append(containers, m.server("frontend", front)), portOf(front)
		}
		spec := podSpec(*m.p.Kubernetes, containers...)
		if m.p.Engine == "mocker" {
			addVolume(spec, "discovery", discoveryDir(worker), object{"emptyDir": object{}})
		} else {
			addVolume(spec, "shm", "/dev/shm",
				object{"emptyDir": object{"medium": "Memory", "sizeLimit": m.p.Kubernetes.SharedMemory}})
		}
		m.deployment(0, plan.Aggregated, called, port, spec)
		backends = append(backends, fmt.Sprintf("%s:%d", called, port))
		m.Entries = append(m.Entries, Address{called, port})
	}
	if m.p.Balancer != nil {
		m.balancer(backends)
	}
}

// server is the container of a process that other pods reach.
func (m *maker) server(called string, s plan.Service) object {
	argv := slices.Clone(s.Argv)
	for i := 1; i < len(argv); i++ {
		if argv[i-1] == "--host" && argv[i] == loopback {
			argv[i] = everybody
		}
	}
	inPod := func(name string) bool {
		return carried(name) || strings.HasPrefix(name, "DYN_")
	}
	variables := s.Variables
	if s.Role == plan.Frontend {
		variables = m.p.Env
	}
	all := env(s, variables, inPod)
	for _, v := range all {
		if v := v.(object); v["name"] == "DYN_HTTP_HOST" || v["name"] == "DYN_SYSTEM_HOST" {
			v["value"] = everybody
		}
	}
	if slices.ContainsFunc(all, func(v any) bool { return v.(object)["name"] == "DYN_SYSTEM_PORT" }) {
		// Its health is that of the endpoint instead of the process.
		all = append(all, object{"name": "DYN_SYSTEM_USE_ENDPOINT_HEALTH_STATUS", "value": `["generate"]`})
	}
	c := m.container(called, argv, words(argv), all)
	health := s.Gate.Path
	if health == "" {
		health = "/health"
	}
	c["startupProbe"] = probe(m.p.Timeouts.Ready, object{"httpGet": object{"path": health, "port": portOf(s)}})
	return c
}

// probe is of the start only: a server under load may respond late, and a later probe would take it out of its
// Service, or restart it.
func probe(within time.Duration, how object) object {
	p := object{"periodSeconds": 1, "timeoutSeconds": 3, "failureThreshold": max(1, int(within/time.Second))}
	for key, value := range how {
		p[key] = value
	}
	return p
}

// portOf is the port of a process that its health is probed on.
func portOf(s plan.Service) int { return s.Ports[0].Number }

// discoveryDir is the directory by which a mocker and its frontend find each other.
func discoveryDir(s plan.Service) string {
	for _, kv := range s.Env {
		if dir, is := strings.CutPrefix(kv, "DYN_FILE_KV="); is {
			return dir
		}
	}
	return podDir
}

// deployment adds a Deployment of one pod, and its Service.
func (m *maker) deployment(wave int, role plan.Role, called string, port int, spec object) {
	selector := object{serviceLabel: called}
	m.add(wave, "Service", "v1", called, object{"spec": object{"selector": selector,
		"ports": list{object{"name": "http", "port": port, "targetPort": port}}}})
	m.add(wave, "Deployment", "apps/v1", called, object{"spec": object{"replicas": 1,
		"selector": object{"matchLabels": selector}, "strategy": object{"type": "Recreate"},
		"template": m.podTemplate(string(role), called, spec)}})
	m.Ready = append(m.Ready, Wanted{"deployment", called, "", 1, wave})
}

// balancer adds nginx, once its backends are ready: it looks their names up when it starts.
func (m *maker) balancer(backends []string) {
	called, port := m.Name+"-nginx", m.p.Balancer.Port
	conf, err := plan.ClusterNginx(m.p.Balancer.Config, fmt.Sprintf("%s:%d", everybody, port), backends, podDir)
	if err != nil {
		m.faults = append(m.faults, fmt.Errorf("%s: %w", m.p.Source, err))
		return
	}
	m.add(1, "ConfigMap", "v1", called, object{"data": object{"nginx.conf": conf}})
	c := m.container("nginx", []string{"nginx", "-c", podDir + "/conf/nginx.conf", "-e", "stderr", "-g",
		"daemon off; pid " + podSpool + "/nginx.pid; user root;"}, 1, nil)
	c["image"] = m.p.Kubernetes.BalancerImage
	c["startupProbe"] = probe(m.p.Timeouts.Ready, object{"tcpSocket": object{"port": port}})
	k := *m.p.Kubernetes
	k.ModelStorage, k.HFTokenSecret = nil, ""
	spec := podSpec(k, c)
	addVolume(spec, "conf", podDir+"/conf", object{"configMap": object{"name": called}})
	addVolume(spec, "spool", podSpool, object{"emptyDir": object{}})
	m.deployment(1, plan.Balancer, called, port, spec)
	m.Backends, m.Entries = m.Entries, []Address{{called, port}}
}
