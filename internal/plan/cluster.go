package plan

import "regexp"

// serviceAddress is the name of a Service in its own namespace, and a port.
var serviceAddress = regexp.MustCompile(`^[a-z]([a-z0-9-]*[a-z0-9])?:[0-9]+$`)

// ClusterNginx is the configuration of a balancer in a pod, the same one as on a machine: its backends are Services by
// name and port. Spool is a directory of the pod.
func ClusterNginx(config, listen string, backends []string, spool string) (string, error) {
	return nginxConf(config, nginxValues{Listen: listen, Backends: backends, Prefix: spool, Spool: spool, named: true})
}
