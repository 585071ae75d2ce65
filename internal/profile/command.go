package profile

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Command is a server with an OpenAI-compatible API, or a worker of Dynamo that is none of the other engines. Each
// worker runs Argv and then its engine_args. Paths are those of a server without Dynamo's frontend; that frontend's
// workers are probed on pages of Dynamo.
type Command struct {
	Argv     []string `yaml:"argv" help:"program and arguments; {host}, {port}, {model}, {gpus} and {log} are replaced"`
	Health   string   `yaml:"health" help:"path that responds 200 once the server is ready"`
	Models   string   `yaml:"models" help:"path that lists the model"`
	Metrics  string   `yaml:"metrics" help:"path of the Prometheus metrics"`
	Requests string   `yaml:"requests" help:"metric that counts requests; without it no check of each worker's share"`
}

// fill adds the pages of a server, which are most servers' own.
func (c *Command) fill() {
	c.Health, c.Models = cmp.Or(c.Health, "/health"), cmp.Or(c.Models, "/v1/models")
	c.Metrics = cmp.Or(c.Metrics, "/metrics")
}

// Line is the command line of one worker of engine command: host is the address to listen on, port is one of its own,
// log the file of its output.
func (p Profile) Line(w Worker, host string, port int, log string) []string {
	values := strings.NewReplacer("{host}", host, "{port}", strconv.Itoa(port), "{model}", p.Model,
		"{gpus}", strconv.Itoa(w.Width()), "{log}", log)
	var line []string
	for _, arg := range slices.Concat(p.Command.Argv, p.EngineArgs, w.EngineArgs) {
		line = append(line, values.Replace(arg))
	}
	return line
}

var (
	placeholders   = []string{"{host}", "{port}", "{model}", "{gpus}", "{log}"}
	braces         = regexp.MustCompile(`\{[A-Za-z_]+\}`)
	urlPathPattern = shaped(256, `^/[A-Za-z0-9._~/?=&%-]*$`)
	metricPattern  = shaped(256, `^[A-Za-z_:][A-Za-z0-9_:]*$`)
)

func checkCommand(p Profile) (found problems) {
	c := p.Command
	switch {
	case p.Engine == "command" && c == nil:
		found.add("command", "engine command has no command: add %q", `command: {argv: [SERVER, --port, "{port}"]}`)
		return found
	case p.Engine != "command" && c != nil:
		found.add("command#", "only engine command runs a command of its own: remove it, or set engine: command")
		found.from("command", "engine")
		return found
	case c == nil:
		return nil
	case len(c.Argv) == 0 || c.Argv[0] == "" || c.Argv[0][0] == '-':
		found.add("command.argv", "command.argv must begin with a program, such as [python3, -m, sglang.launch_server]")
	}
	checkArgs(&found, p.Engine, "command.argv", c.Argv)
	checkBraces(&found, "command.argv", c.Argv)
	checkBraces(&found, "engine_args", p.EngineArgs)
	for _, w := range p.workers() {
		checkBraces(&found, w.path+".engine_args", w.EngineArgs)
	}
	if p.Dynamo() {
		checkNoPages(&found, *c)
	} else {
		checkServer(&found, p)
	}
	return found
}

// checkBraces finds misspelt placeholders. Other braces are the server's own.
func checkBraces(found *problems, path string, args []string) {
	for i, arg := range args {
		for _, word := range braces.FindAllString(arg, -1) {
			if meant := nearest(word, placeholders); meant != "" && !slices.Contains(placeholders, word) {
				found.add(index(path, i), "%.80q is not replaced: did you mean %s?", word, meant)
			}
		}
	}
}

func pages(c Command) map[string]string {
	return map[string]string{"health": c.Health, "models": c.Models, "metrics": c.Metrics, "requests": c.Requests}
}

func checkNoPages(found *problems, c Command) {
	all := pages(c)
	for _, key := range slices.Sorted(maps.Keys(all)) {
		if all[key] != "" {
			found.add("command."+key+"#",
				"workers behind a frontend are probed on Dynamo's pages: remove command.%s", key)
		}
	}
}

// checkServer checks a server that takes requests itself.
func checkServer(found *problems, p Profile) {
	for _, w := range p.workers() {
		line := slices.Concat(p.Command.Argv, p.EngineArgs, w.EngineArgs)
		if !slices.ContainsFunc(line, func(arg string) bool { return strings.Contains(arg, "{port}") }) {
			found.add("command.argv",
				"no argument has {port}: the server would listen on another port than requests go to")
			break
		}
	}
	all := pages(*p.Command)
	for _, key := range []string{"health", "models", "metrics"} {
		if !urlPathPattern.matches(all[key]) {
			found.add("command."+key, "command.%s must be a path such as /health, not %.80q", key, all[key])
		}
	}
	if all["requests"] != "" && !metricPattern.matches(all["requests"]) {
		found.add("command.requests", "command.requests must be the name of a metric, such as "+
			"sglang:num_requests_total, not %.80q", all["requests"])
	}
}
