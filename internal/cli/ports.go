package cli

import (
	"fmt"
	"os"

	"topobench/internal/plan"
)

// portRange is where Linux tells which ports it hands out to clients.
const portRange = "/proc/sys/net/ipv4/ip_local_port_range"

// ephemeral reads that range. Where there is none, or none that can be read, there is
// nothing to warn of.
func (e *Env) ephemeral() (r plan.Ephemeral) {
	text, err := os.ReadFile(e.PortRange)
	if err == nil {
		_, err = fmt.Sscan(string(text), &r.Low, &r.High)
	}
	if err != nil {
		return plan.Ephemeral{}
	}
	return r
}

// warnOfPorts tells which ports of a plan a client may be given first.
func warnOfPorts(env *Env, p plan.Plan) {
	if warning := env.ephemeral().Warning(p); warning != "" {
		fmt.Fprintf(env.Stderr, "topobench: %s: %s\n", p.Name, warning)
	}
}
