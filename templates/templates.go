// Package templates holds the files that are rendered for other programs.
package templates

import _ "embed"

// NginxConf defines the templates "guide" and "tuned".
//
//go:embed nginx.conf.tmpl
var NginxConf string
