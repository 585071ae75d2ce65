package plan

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"text/template"

	"topobench/templates"
)

// balancer plans nginx before the backends: in a prefix of its own, in the foreground, started once its backends are
// ready. -g sets only directives that the guide's file lacks, since nginx refuses one that is in both.
func (b *builder) balancer() error {
	if b.p.Balancer == nil {
		return nil
	}
	prefix, spool := filepath.Join(Unplaced().Dir, "nginx"), filepath.Join(Unplaced().Data, "nginx")
	conf := filepath.Join(prefix, nginxConfName)
	host, port := b.p.Balancer.Host, b.p.Balancer.Port
	listen := at(b.bind(host), port)
	text, err := nginxConf(b.p.Balancer.Config, nginxValues{Listen: listen, Backends: b.backends, Prefix: prefix,
		Spool: spool})
	if err != nil {
		return fmt.Errorf("%s: %w", b.p.Source, err)
	}
	globals := `daemon off; pid "` + filepath.Join(prefix, "nginx.pid") + `";`
	if b.plan.Choices.NginxAsRoot {
		globals += " user root;"
	}
	b.dirs(host, prefix, spool, filepath.Join(spool, "tmp"))
	b.file(host, conf, text)
	nginx := b.on(host).Programs.Nginx
	args := []string{"-p", prefix + "/", "-c", conf, "-e", "stderr", "-g", globals}
	if !b.rules.nginxLogFlag { // it warns that its compiled-in log cannot be opened, and goes on
		args = []string{"-p", prefix + "/", "-c", conf, "-g", "error_log stderr; " + globals}
	}
	b.add(Service{Name: "nginx", Role: Balancer, Host: host, Wave: 2,
		Argv: append([]string{nginx}, args...), Check: append([]string{nginx, "-t"}, args...),
		Signal: syscall.SIGQUIT,
		Ports:  []Port{{Use: "http", Number: port}},
		Gate:   Gate{Kind: GateListens, Address: at(b.address(host), port)}}, nil)
	return nil
}

const nginxConfName = "nginx.conf"

// nginxValues are all that a template may use. They reach the file only as addresses and
// paths that were checked: free text could open a second server block.
type nginxValues struct {
	Listen   string   // address:port
	Backends []string // address:port each
	Prefix   string   // absolute directory
	Spool    string   // absolute directory on a local disk; nginx spills to its tmp/
	named    bool     // backends are names of Services, which a cluster resolves
}

// nginxConf fills a configuration: "guide" is the guide's own file, directive for directive, with the lines without
// which it starts only as root; "tuned" is ours; anything else is the path of a template with the same values.
func nginxConf(config string, v nginxValues) (string, error) {
	if err := v.check(); err != nil {
		return "", fmt.Errorf("cannot render nginx.conf: %w", err)
	}
	t, err := nginxTemplate(config)
	if err != nil {
		return "", err
	}
	var out bytes.Buffer
	if err := t.Execute(&out, v); err != nil {
		return "", fmt.Errorf("cannot render %s: %w", config, err)
	}
	return strings.TrimLeft(out.String(), "\n"), nil
}

func nginxTemplate(config string) (*template.Template, error) {
	if config == "guide" || config == "tuned" {
		return template.Must(template.New("nginx.conf").Parse(templates.NginxConf)).Lookup(config), nil
	}
	text, err := os.ReadFile(config)
	if err != nil {
		return nil, fmt.Errorf("cannot read the balancer's template: %w", err)
	}
	t, err := template.New(config).Parse(string(text))
	if err != nil {
		return nil, fmt.Errorf("cannot use the balancer's template: %w", err)
	}
	return t, nil
}

func (v nginxValues) check() error {
	var faults []error
	for _, address := range append([]string{v.Listen}, v.Backends...) {
		a, err := netip.ParseAddrPort(address)
		if v.named && serviceAddress.MatchString(address) {
			continue
		}
		if err != nil || a.Addr().Zone() != "" { // a zone is free text
			faults = append(faults, fmt.Errorf("%q is not an address and port", address))
		}
	}
	if len(v.Backends) == 0 {
		faults = append(faults, errors.New("there is no backend"))
	}
	return errors.Join(append(faults, checkNginxDir(v.Prefix), checkNginxDir(v.Spool))...)
}

// checkNginxDir refuses a directory that nginx.conf cannot name in double quotes.
func checkNginxDir(dir string) error {
	if strings.ContainsAny(dir, "\"$\\\n\r\t") {
		return fmt.Errorf("the directory %q has characters that are special in nginx.conf: "+
			"choose another --artifacts-root-dir", dir)
	}
	return nil
}
