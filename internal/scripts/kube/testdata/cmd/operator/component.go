package main

import (
	"fmt"
	"maps"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// childOf is the name of a component's Deployment and Service.
func childOf(graph string, component object) string {
	return graph + "-" + strings.ToLower(component["name"].(string))
}

// component makes a Deployment and a Service.
func (o owned) component(c object) error {
	graph, kind := o.graph.GetName(), fmt.Sprint(c["type"])
	full, namespace := childOf(graph, c), o.graph.GetNamespace()+"-"+graph
	labels := maps.Clone(o.labels)
	maps.Copy(labels, object{"nvidia.com/dynamo-component": c["name"], "nvidia.com/dynamo-component-type": kind,
		"nvidia.com/dynamo-namespace": namespace, "nvidia.com/dynamo-discovery-backend": "kubernetes",
		"nvidia.com/dynamo-discovery-enabled": "true"})
	selector := object{"nvidia.com/selector": full}
	template := mapping(c, "podTemplate")
	spec := mapping(template, "spec")
	main := mainOf(spec)
	if main == nil {
		return fmt.Errorf("%s has no container main", c["name"])
	}
	port := o.fill(main, kind, namespace)
	spec["serviceAccountName"] = accountOf(graph)
	setDefault(spec, "terminationGracePeriodSeconds", int64(60))
	if size, is := c["sharedMemorySize"].(string); is {
		shareMemory(spec, main, size)
	}
	podLabels := mapping(mapping(template, "metadata"), "labels")
	for name, value := range labels {
		setDefault(podLabels, name, value)
	}
	maps.Copy(podLabels, selector)
	if err := o.apply(core("services"), "Service", full, labels,
		object{"spec": object{"selector": selector, "ports": list{port}}}); err != nil {
		return err
	}
	setDefault(c, "replicas", int64(1))
	return o.apply(deployments(), "Deployment", full, labels, object{"spec": object{"replicas": c["replicas"],
		"selector": object{"matchLabels": selector}, "template": template, "strategy": object{"type": "RollingUpdate",
			"rollingUpdate": object{"maxSurge": 0, "maxUnavailable": "25%"}}}})
}

// mapping is the mapping below a key, which it makes if there is none.
func mapping(of object, key string) object {
	below, _ := of[key].(object)
	if below == nil {
		below = object{}
		of[key] = below
	}
	return below
}

func setDefault(of object, key string, value any) {
	if _, given := of[key]; !given {
		of[key] = value
	}
}

func mainOf(spec object) object {
	containers, _ := spec["containers"].(list)
	for _, c := range containers {
		if c.(object)["name"] == "main" {
			return c.(object)
		}
	}
	return nil
}

func shareMemory(spec, main object, size string) {
	volumes, _ := spec["volumes"].(list)
	mounts, _ := main["volumeMounts"].(list)
	spec["volumes"] = append(volumes, object{"name": "shared-memory",
		"emptyDir": object{"medium": "Memory", "sizeLimit": size}})
	main["volumeMounts"] = append(mounts, object{"name": "shared-memory", "mountPath": "/dev/shm"})
}

func variable(name string, value any) object { return object{"name": name, "value": fmt.Sprint(value)} }

func field(name, path string) object {
	return object{"name": name, "valueFrom": object{"fieldRef": object{"fieldPath": path}}}
}

// probe has times in seconds.
func probe(path, port string, period, timeout, failures, delay int) object {
	return object{"httpGet": object{"path": path, "port": port}, "periodSeconds": period, "timeoutSeconds": timeout,
		"failureThreshold": failures, "initialDelaySeconds": delay}
}

// fill adds the operator's defaults to a container, and returns the port of its Service.
func (o owned) fill(main object, kind, namespace string) object {
	env := list{variable("DYN_NAMESPACE", namespace), variable("DYN_COMPONENT", kind),
		variable("DYN_PARENT_DGD_K8S_NAME", o.graph.GetName()),
		variable("DYN_PARENT_DGD_K8S_NAMESPACE", o.graph.GetNamespace()), field("POD_NAME", "metadata.name"),
		field("POD_NAMESPACE", "metadata.namespace"), field("POD_UID", "metadata.uid"), field("POD_IP", "status.podIP"),
		variable("DYN_DISCOVERY_BACKEND", "kubernetes"), variable("DYN_REQUEST_PLANE", "tcp"),
		variable("DYN_EVENT_PLANE", "zmq")}
	port := object{"name": "system", "port": 9090, "targetPort": "system", "protocol": "TCP"}
	if kind == "frontend" {
		port = object{"name": "http", "port": 8000, "targetPort": "http", "protocol": "TCP"}
		env = append(env, frontend(main, namespace)...)
	} else {
		env = append(env, worker(main)...)
	}
	common, _, _ := unstructured.NestedSlice(o.graph.Object, "spec", "env")
	own, _ := main["env"].(list)
	main["env"] = lastOfEach(append(append(env, common...), own...))
	return port
}

func frontend(main object, namespace string) list {
	if _, given := main["command"]; !given {
		main["command"] = list{"python3"}
		setDefault(main, "args", list{"-m", "dynamo.frontend"})
	}
	setDefault(main, "ports", list{object{"name": "http", "containerPort": 8000, "protocol": "TCP"}})
	setDefault(main, "livenessProbe", probe("/live", "http", 10, 1, 3, 15))
	setDefault(main, "readinessProbe", probe("/health", "http", 10, 3, 3, 10))
	return list{variable("DYNAMO_PORT", 8000), variable("DYN_HTTP_PORT", 8000),
		variable("DYN_NAMESPACE_PREFIX", namespace)}
}

func worker(main object) list {
	setDefault(main, "ports", list{object{"name": "system", "containerPort": 9090, "protocol": "TCP"},
		object{"name": "nixl", "containerPort": 19090, "protocol": "TCP"}})
	setDefault(main, "livenessProbe", probe("/live", "system", 5, 4, 1, 0))
	setDefault(main, "readinessProbe", probe("/health", "system", 10, 4, 3, 0))
	setDefault(main, "startupProbe", probe("/live", "system", 10, 5, 720, 0))
	return list{variable("DYN_SYSTEM_ENABLED", "true"), variable("DYN_SYSTEM_PORT", 9090),
		variable("DYN_SYSTEM_USE_ENDPOINT_HEALTH_STATUS", `["generate"]`),
		variable("DYN_HEALTH_CHECK_ENABLED", "false")}
}

// lastOfEach keeps the last variable of each name, at the place of the first.
func lastOfEach(env list) (all list) {
	at := map[any]int{}
	for _, v := range env {
		name := v.(object)["name"]
		if i, seen := at[name]; seen {
			all[i] = v
			continue
		}
		at[name] = len(all)
		all = append(all, v)
	}
	return all
}
