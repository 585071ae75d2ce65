// Package proxy renders nginx.conf for the backends of a topology.
//
// Values reach the file only as addresses and paths that were checked: free
// text could open a second server block.
package proxy

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"text/template"

	"topobench/templates"
)

// Values are all that a template may use.
type Values struct {
	Listen   string   // address:port
	Backends []string // address:port each
	Prefix   string   // absolute directory; its tmp/ takes what nginx spills to disk
}

// Render fills a configuration: "guide" is the guide's own file, directive for
// directive, plus the lines without which it starts only as root; "tuned" is
// ours; anything else is the path of a template with the same values.
func Render(config string, v Values) (string, error) {
	if err := v.check(); err != nil {
		return "", fmt.Errorf("cannot render nginx.conf: %w", err)
	}
	t, err := load(config)
	if err != nil {
		return "", err
	}
	var out bytes.Buffer
	if err := t.Execute(&out, v); err != nil {
		return "", fmt.Errorf("cannot render %s: %w", config, err)
	}
	return strings.TrimLeft(out.String(), "\n"), nil
}

func load(config string) (*template.Template, error) {
	if config == "guide" || config == "tuned" {
		all, err := template.New("nginx.conf").Option("missingkey=error").Parse(templates.NginxConf)
		if err != nil {
			return nil, fmt.Errorf("cannot read the built-in nginx.conf template: %w", err)
		}
		return all.Lookup(config), nil
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

func (v Values) check() error {
	var faults []error
	for _, address := range append([]string{v.Listen}, v.Backends...) {
		if a, err := netip.ParseAddrPort(address); err != nil || a.Addr().Zone() != "" { // a zone is free text
			faults = append(faults, fmt.Errorf("%q is not an address and port", address))
		}
	}
	if len(v.Backends) == 0 {
		faults = append(faults, errors.New("there is no backend"))
	}
	if strings.ContainsAny(v.Prefix, "\"$\\\n\r\t") { // inside double quotes
		faults = append(faults, fmt.Errorf("the directory %q holds characters that nginx.conf gives a meaning: choose another --artifacts-root-dir", v.Prefix))
	}
	return errors.Join(faults...)
}
