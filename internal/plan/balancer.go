package plan

import (
	"fmt"
	"path/filepath"
	"syscall"

	"topobench/internal/proxy"
)

// nginxUser is for an nginx that root starts: it would drop to nobody.
const nginxUser = "user root;"

// balancer plans nginx before the backends: in a prefix of its own, in the
// foreground, started when its backends are ready. -g leaves the file the
// guide's: what it says there could not be said twice.
func (d *draft) balancer() error {
	if d.p.Balancer == nil {
		return nil
	}
	d.plan.Balancer = d.p.Balancer.Config
	prefix := filepath.Join(d.s.Dir, "nginx")
	conf := filepath.Join(prefix, "nginx.conf")
	listen := at(d.bind(d.p.Balancer.Host), d.p.Balancer.Port)
	text, err := proxy.Render(d.p.Balancer.Config, proxy.Values{Listen: listen, Backends: d.backends, Prefix: prefix})
	if err != nil {
		return fmt.Errorf("%s: %w", d.p.Source, err)
	}
	globals := `daemon off; pid "` + filepath.Join(prefix, "nginx.pid") + `";`
	if d.s.Root {
		globals += " " + nginxUser
	}
	d.plan.Dirs = append(d.plan.Dirs, prefix, filepath.Join(prefix, "tmp"))
	d.plan.Files = append(d.plan.Files, File{Path: conf, Text: text})
	argv := []string{d.s.Programs.Nginx, "-p", prefix + "/", "-c", conf, "-e", "stderr", "-g", globals}
	d.add(Service{Name: "nginx", Role: Balancer, Host: d.p.Balancer.Host, Wave: 2, Argv: argv, Check: append([]string{argv[0], "-t"}, argv[1:]...),
		Signal: syscall.SIGQUIT,
		Ports:  []Port{{Use: "http", Number: d.p.Balancer.Port}},
		Gate:   Gate{Kind: GateListens, Address: listen}}, nil)
	return nil
}

// entries are where the load goes, host:port: the balancer, every server if aiperf
// goes round them, else the one frontend or server.
func (d *draft) entries() []string {
	if d.p.Balancer != nil {
		return []string{at(d.bind(d.p.Balancer.Host), d.p.Balancer.Port)}
	}
	return d.backends
}
