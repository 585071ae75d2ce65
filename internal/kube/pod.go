package kube

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"topobench/internal/plan"
	"topobench/internal/profile"
)

// carried are the variables of a process that a pod needs too. The others choose GPUs, ports, addresses and
// directories of a machine, which a pod has of its own.
func carried(name string) bool {
	return slices.Contains([]string{"PYTHONUNBUFFERED", "VLLM_NO_USAGE_STATS", "DO_NOT_TRACK",
		"HF_HUB_DISABLE_TELEMETRY", "HF_HUB_OFFLINE", "DYN_KV_CACHE_BLOCK_SIZE",
		"DYN_GRACEFUL_SHUTDOWN_GRACE_PERIOD_SECS", "DYN_HTTP_GRACEFUL_SHUTDOWN_TIMEOUT_SECS"}, name)
}

// env is the environment of a container: the wanted variables of the process, and all of the profile's. The last value
// of a name wins.
func env(s plan.Service, own map[string]string, wanted func(name string) bool) list {
	values := map[string]string{}
	for _, kv := range s.Env {
		if name, value, set := strings.Cut(kv, "="); set && wanted(name) {
			values[name] = value
		}
	}
	maps.Copy(values, own)
	all := list{}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		all = append(all, object{"name": name, "value": values[name]})
	}
	return all
}

// container runs the command line of a process; the first words are the program.
func (m *maker) container(called string, argv []string, words int, env list) object {
	c := object{"name": called, "image": m.p.Kubernetes.Image, "command": texts(argv[:words])}
	if len(argv) > words {
		c["args"] = texts(argv[words:])
	}
	if len(env) > 0 {
		c["env"] = env
	}
	return c
}

func texts(words []string) list {
	all := list{}
	for _, w := range words {
		all = append(all, w)
	}
	return all
}

// words is how many words of a command line are the program: python3 -m MODULE, vllm serve.
func words(argv []string) int {
	switch {
	case len(argv) > 2 && argv[1] == "-m":
		return 3
	case len(argv) > 1 && argv[1] == "serve":
		return 2
	}
	return 1
}

// withGPUs limits a container to the GPUs of its worker. Those of a mocker are nominal.
func (m *maker) withGPUs(c object, w profile.Worker) object {
	if m.p.Engine != "mocker" {
		c["resources"] = object{"limits": object{gpuResource: fmt.Sprint(w.Width())}}
	}
	return c
}

const gpuResource = "nvidia.com/gpu"

// podSpec is a PodSpec with what the profile gives every pod.
func podSpec(k profile.Kubernetes, containers ...object) object {
	spec := object{}
	if len(k.NodeSelector) > 0 {
		spec["nodeSelector"] = k.NodeSelector
	}
	if len(k.Tolerations) > 0 {
		all := list{}
		for _, t := range k.Tolerations {
			all = append(all, given(map[string]string{"key": t.Key, "operator": t.Operator, "value": t.Value,
				"effect": t.Effect}))
		}
		spec["tolerations"] = all
	}
	if k.PullSecret != "" {
		spec["imagePullSecrets"] = list{object{"name": k.PullSecret}}
	}
	all := list{}
	for _, c := range containers {
		if k.HFTokenSecret != "" {
			c["envFrom"] = list{object{"secretRef": object{"name": k.HFTokenSecret}}}
		}
		all = append(all, c)
	}
	spec["containers"] = all
	mountModels(spec, k.ModelStorage)
	return spec
}

// given are the values that are not empty.
func given(values map[string]string) object {
	all := object{}
	for key, value := range values {
		if value != "" {
			all[key] = value
		}
	}
	return all
}

// mountModels adds the volume of the models to every container.
func mountModels(spec object, s *profile.ModelStorage) {
	switch {
	case s == nil:
	case s.PVC != "":
		addVolume(spec, "models", s.Mount, object{"persistentVolumeClaim": object{"claimName": s.PVC}})
	default:
		addVolume(spec, "models", s.Mount, object{"hostPath": object{"path": s.HostPath, "type": "Directory"}})
	}
}

// addVolume adds a volume that every container mounts.
func addVolume(spec object, called, at string, source object) {
	volume := object{"name": called}
	maps.Copy(volume, source)
	volumes, _ := spec["volumes"].(list)
	spec["volumes"] = append(volumes, volume)
	for _, c := range spec["containers"].(list) {
		mounts, _ := c.(object)["volumeMounts"].(list)
		c.(object)["volumeMounts"] = append(mounts, object{"name": called, "mountPath": at})
	}
}

// merge puts the fields of a profile over those of a PodSpec. Items of two lists with one name are merged, others are
// added.
func merge(under, over any) any {
	switch over := over.(type) {
	case object:
		base, is := under.(object)
		if !is {
			return over
		}
		merged := maps.Clone(base)
		for key, value := range over {
			merged[key] = merge(base[key], value)
		}
		return merged
	case list:
		base, is := under.(list)
		if !is {
			return over
		}
		merged := slices.Clone(base)
		for _, item := range over {
			i := slices.IndexFunc(merged, func(of any) bool { return named(of) != "" && named(of) == named(item) })
			if i < 0 {
				merged = append(merged, item)
				continue
			}
			merged[i] = merge(merged[i], item)
		}
		return merged
	}
	return over
}

// named is the name of an item of a list; "" = it has none.
func named(item any) string {
	o, _ := item.(object)
	called, _ := o["name"].(string)
	return called
}

// podTemplate is the template of pods of a role.
func (m *maker) podTemplate(role, service string, spec object) object {
	labels := m.labels()
	labels[roleLabel], labels[serviceLabel] = role, service
	spec["terminationGracePeriodSeconds"] = max(1, int(m.grace(role).Seconds()))
	if fields := m.p.Kubernetes.Pod; len(fields) > 0 && role != string(plan.Balancer) {
		spec = merge(spec, object(fields)).(object)
	}
	return object{"metadata": object{"labels": labels}, "spec": spec}
}

// grace is how long a pod of a role may take to stop: that of its process on a machine. The first process of a
// container ignores SIGTERM until it handles it, so that a Python program that still starts takes all of it.
func (m *maker) grace(role string) time.Duration {
	for _, s := range m.plan.Services {
		if string(s.Role) == role {
			return s.Grace
		}
	}
	return plan.ShortGrace
}
