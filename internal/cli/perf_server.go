package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"time"

	"topobench/internal/aiperf"
	"topobench/internal/plan"
	"topobench/internal/preflight"
	"topobench/internal/profile"
	"topobench/internal/programs"
)

// checkServer finds all faults of the server's URL and key, and of the load that it cannot get.
func (c *perfCmd) checkServer(ctx context.Context, env *Env) error {
	u, err := url.Parse(c.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return errors.Join(fmt.Errorf("--url %q is not http://host:port", c.URL), c.checkKey(env))
	}
	faults := []error{c.checkKey(env), aiperf.Load{Concurrency: c.Concurrency}.CheckConnections(env.Environ)}
	if u.User != nil {
		faults = append(faults, errors.New("--url has a user or a password, which every user of this machine could "+
			"read in aiperf's command line: name the variable with a key (--api-key-env)"))
	}
	if u.RawQuery != "" || u.Fragment != "" {
		faults = append(faults, fmt.Errorf("--url has a query or a fragment, which not every aiperf sends: "+
			"give %s://%s%s", u.Scheme, u.Host, u.Path))
	}
	return errors.Join(append(faults, checkAddress(ctx, u.Hostname(), aiperf.Network(env.Environ)))...)
}

// lookupWithin is how long the name of the server may take to resolve.
const lookupWithin = 5 * time.Second

// checkAddress refuses a host without an address that aiperf can use. A name that cannot be resolved at all is left to
// the smoke test, which reports the cause.
func checkAddress(ctx context.Context, host, network string) error {
	ctx, cancel := context.WithTimeout(ctx, lookupWithin)
	defer cancel()
	addresses, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil || network == "tcp" {
		return nil
	}
	for _, a := range addresses {
		if a.Unmap().Is4() == (network == "tcp4") {
			return nil
		}
	}
	return refusedVersion(host, addresses[0])
}

// refusedVersion names the version of IP that aiperf does not use.
func refusedVersion(host string, address netip.Addr) error {
	if address.Unmap().Is4() {
		return fmt.Errorf("--url: %s has an IPv4 address only (%s), and %s=6 makes aiperf use IPv6: unset it",
			host, address, aiperf.IPVersion)
	}
	return fmt.Errorf("--url: %s has an IPv6 address only (%s), and aiperf uses IPv4: give an IPv4 address, or "+
		"export %s=6", host, address, aiperf.IPVersion)
}

func (c *perfCmd) checkKey(env *Env) error {
	switch name := c.APIKeyEnv; {
	case name == "":
		return nil
	case !profile.IsVariable(name):
		return fmt.Errorf("--api-key-env %.20q is not the name of a variable: export the key, and give its name", name)
	case env.Getenv(name) == "":
		return fmt.Errorf("--api-key-env %s: that variable is not set: export it", name)
	}
	return nil
}

// withKey is a plan whose requests send the key.
func (c *perfCmd) withKey(t *preflight.Topology, env *Env) (plan.Plan, error) {
	if c.APIKeyEnv == "" {
		return t.Plan, nil
	}
	prober := preflight.Request{Environ: env.Environ, Getenv: env.Getenv}.
		Prober(t.Profile, programs.AIPerf, t.Programs.AIPerf)
	python := prober.Interpreter(programs.AIPerf, t.Programs.AIPerf)
	if python == "" || python == t.Programs.AIPerf {
		return t.Plan, &usageError{fmt.Errorf("cannot send a key: %s is no Python script, and a key must not be in "+
			"its command line; name aiperf's own script (--aiperf)", t.Programs.AIPerf)}
	}
	p, err := t.Plan.WithKey(c.APIKeyEnv, python)
	if err != nil {
		return p, &usageError{err}
	}
	return p, nil
}
