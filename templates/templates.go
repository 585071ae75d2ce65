// Package templates holds the configuration files that topobench renders.
package templates

import _ "embed"

// NginxConf defines the templates "guide" and "tuned".
//
//go:embed nginx.conf.tmpl
var NginxConf string
