// Package templates holds the configuration files and the page that topobench renders.
package templates

import _ "embed"

// NginxConf defines the templates "guide" and "tuned".
//
//go:embed nginx.conf.tmpl
var NginxConf string

// Report defines the template "page", which contains ReportStyle and ReportScript.
//
//go:embed report.html.tmpl
var Report string

// ReportStyle is the style sheet of the page.
//
//go:embed report.css
var ReportStyle string

// ReportScript is the script of the page. It contains no < and no &, so that XML parsers read the page too.
//
//go:embed report.js
var ReportScript string
