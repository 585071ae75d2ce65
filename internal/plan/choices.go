package plan

import (
	"cmp"
	"path/filepath"
)

// Choices are the decisions behind a plan. Arguments, environment and deviations follow
// from them; nothing reads them back out of arguments.
type Choices struct {
	Etcd   Source `json:"etcd"`
	NATS   Source `json:"nats"`
	Planes bool   `json:"planes,omitempty"` // the environment sets discovery, event and request planes

	Router    string    `json:"router,omitempty"`     // the frontend's router mode; "" = its default, round-robin
	RoleFlags RoleFlags `json:"role_flags,omitempty"` // how a Dynamo worker gets its role
	Connector bool      `json:"connector,omitempty"`  // prefill and decode get --kv-transfer-config
	SidePorts bool      `json:"side_ports,omitempty"` // each Dynamo worker gets NIXL and vLLM ports of its own
	DecodeTP  int       `json:"decode_tp,omitempty"`  // widest --tensor-parallel-size of decode workers; 0 = not passed

	QuietServers bool   `json:"quiet_servers,omitempty"` // vllm serve gets --disable-log-requests
	Kernels      string `json:"kernels,omitempty"`       // directory of compiled kernels

	LocalModel     bool `json:"local_model,omitempty"` // a directory: the servers are kept off the hub
	LocalTokenizer bool `json:"local_tokenizer,omitempty"`
	NginxAsRoot    bool `json:"nginx_as_root,omitempty"`
}

// Source is where a discovery service comes from.
type Source string

// The sources of etcd and NATS.
const (
	Started  Source = "started"  // by the plan, with fresh data
	External Source = "external" // at a URL of the profile
	Absent   Source = "none"     // files replace etcd, ZMQ replaces NATS
)

func source(server string) Source {
	switch server {
	case "start":
		return Started
	case "none", "":
		return Absent
	}
	return External
}

// choose makes the decisions for a profile on its machines.
func (b *builder) choose() Choices {
	p, r := b.p, b.rules
	dynamo, split := p.Engine == "dynamo", p.Mode() == "disaggregated"
	c := Choices{
		Etcd: source(p.Discovery.Etcd), NATS: source(p.Discovery.NATS),
		Planes:         p.Dynamo() && r.fileDiscovery,
		Connector:      dynamo && split && r.connector,
		SidePorts:      (dynamo || p.Engine == "command" && p.Dynamo()) && r.sidePorts,
		QuietServers:   p.Engine == "vllm" && r.logsByDefault,
		LocalModel:     filepath.IsAbs(p.Model),
		LocalTokenizer: filepath.IsAbs(tokenizer(p)),
		NginxAsRoot:    p.Balancer != nil && b.on(p.Balancer.Host).Root,
	}
	if p.Engine != "mocker" {
		c.Kernels = b.here.Kernels
		for _, h := range b.plan.Hosts {
			c.Kernels = cmp.Or(b.on(h.Name).Kernels, c.Kernels)
		}
	}
	if split && p.Engine != "command" {
		c.RoleFlags = r.roleFlags
	}
	if p.Frontend != nil {
		c.Router = cmp.Or(p.Frontend.Router, p.Env["DYN_ROUTER_MODE"])
	}
	for _, w := range p.Decode {
		if dynamo && w.TP > 1 {
			c.DecodeTP = max(c.DecodeTP, w.TP)
		}
	}
	return c
}
