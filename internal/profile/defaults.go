package profile

import (
	"cmp"
	"slices"
	"time"
)

const (
	frontendPort = 8000 // the guide's, for the frontend and for NGINX
	none, start  = "none", "start"
)

// Defaults holds every default that does not depend on another key; the load is the guide's. fill has the rest.
func Defaults() Profile {
	return Profile{
		Load: Sweep{ISL: 3000, OSL: 150, Concurrency: []int{1, 2, 4, 8, 16, 32, 64, 128, 256}},
		Timeouts: Timeouts{Ready: 30 * time.Minute, Stall: 5 * time.Minute,
			Grace: 30 * time.Second, GPU: 2 * time.Minute},
	}
}

// fill adds the defaults that depend on other keys. A zero here means that the key was
// absent: an explicit zero is out of every range.
func (p *Profile) fill() {
	discovery := none
	if p.Engine == "dynamo" {
		discovery = start
	}
	p.Discovery.Etcd = cmp.Or(p.Discovery.Etcd, discovery)
	p.Discovery.NATS = cmp.Or(p.Discovery.NATS, discovery)
	if p.Frontend == nil && p.needsFrontend() {
		p.Frontend = &Frontend{}
	}
	if p.Frontend != nil {
		p.Frontend.Port = cmp.Or(p.Frontend.Port, frontendPort)
	}
	if p.Command != nil && !p.Dynamo() {
		p.Command.fill()
	}
	if p.Balancer != nil {
		p.Balancer.Port = cmp.Or(p.Balancer.Port, frontendPort)
		p.Balancer.Config = cmp.Or(p.Balancer.Config, "guide")
	}
	p.fillHosts()
	if p.Kubernetes != nil {
		p.Kubernetes.fill()
	}
	for _, r := range p.roles() {
		for i := range *r.workers {
			w := &(*r.workers)[i]
			w.TP, w.PP, w.DP = cmp.Or(w.TP, 1), cmp.Or(w.PP, 1), cmp.Or(w.DP, 1)
		}
	}
}

// needsFrontend: Dynamo's workers share one, unless each is an aggregated mocker with a port and so has its own.
// Aggregated servers of engine command are not Dynamo's without one in the profile.
func (p *Profile) needsFrontend() bool {
	noPort := func(w Worker) bool { return w.Port == 0 }
	split := p.Mode() == "disaggregated"
	shared := split || slices.ContainsFunc(p.Aggregated, noPort)
	return p.Balancer == nil &&
		(p.Engine == "dynamo" || p.Engine == "mocker" && shared || p.Engine == "command" && split)
}
