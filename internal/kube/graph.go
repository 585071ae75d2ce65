package kube

import (
	"fmt"
	"maps"
	"slices"

	"topobench/internal/plan"
	"topobench/internal/profile"
)

const (
	graphVersion = "nvidia.com/v1beta1"
	graphKind    = "DynamoGraphDeployment"
)

// graph makes the DynamoGraphDeployment: a frontend, and a component for each group of equal workers.
func (m *maker) graph() {
	front := m.service("frontend")
	components := list{m.component(plan.Frontend, "frontend", 1, profile.Worker{},
		m.container(mainContainer, front.Argv, words(front.Argv), env(front, m.p.Env, carried)))}
	for _, role := range []struct {
		role    plan.Role
		workers []profile.Worker
	}{{plan.Prefill, m.p.Prefill}, {plan.Decode, m.p.Decode}, {plan.Aggregated, m.p.Aggregated}} {
		for i, g := range groups(role.workers) {
			called := string(role.role)
			if i > 0 {
				called = fmt.Sprintf("%s-%d", role.role, i+1)
			}
			s := m.service(fmt.Sprintf("%s-%d", role.role, g.first))
			c := m.withGPUs(m.container(mainContainer, s.Argv, words(s.Argv), env(s, s.Variables, carried)), g.Worker)
			components = append(components, m.component(role.role, called, g.count, g.Worker, c))
		}
	}
	spec := object{"components": components}
	if m.p.Engine == "dynamo" {
		spec["backendFramework"] = "vllm"
	}
	m.add(0, graphKind, graphVersion, m.Name, object{"spec": spec})
	m.Entries = []Address{{m.Name + "-frontend", frontendPort}}
}

// mainContainer is the name that the operator requires.
const mainContainer = "main"

// component is one of a DynamoGraphDeployment.
func (m *maker) component(role plan.Role, called string, replicas int, w profile.Worker, c object) object {
	kind := string(role)
	if role == plan.Aggregated {
		kind = "worker"
	}
	component := object{"name": called, "type": kind, "replicas": replicas,
		"podTemplate": m.podTemplate(string(role), m.Name+"-"+called, podSpec(*m.p.Kubernetes, c))}
	if role != plan.Frontend && m.p.Engine != "mocker" {
		component["sharedMemorySize"] = m.p.Kubernetes.SharedMemory
	}
	m.Ready = append(m.Ready, Wanted{"dynamographdeployment", m.Name, called, replicas, 0})
	return component
}

// group is workers that differ in their GPUs only.
type group struct {
	profile.Worker
	first, count int
}

// groups are the workers of a role, each group at the place of its first worker.
func groups(workers []profile.Worker) (all []group) {
	for i, w := range workers {
		at := slices.IndexFunc(all, func(g group) bool {
			return g.TP == w.TP && g.PP == w.PP && g.DP == w.DP && slices.Equal(g.EngineArgs, w.EngineArgs) &&
				maps.Equal(g.Env, w.Env)
		})
		if at < 0 {
			at, all = len(all), append(all, group{Worker: w, first: i})
		}
		all[at].count++
	}
	return all
}
