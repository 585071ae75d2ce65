package profile

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// EngineConfigs are the options in engines' own configuration files, by path and by name as the file has it. A switch
// is "on" or "off", a list or a mapping is JSON.
type EngineConfigs map[string]map[string]string

// ReadEngineConfigs reads every file that --config in the profile's engine arguments names. The error has all faults,
// among them options that would contradict the profile.
func ReadEngineConfigs(p Profile) (EngineConfigs, error) {
	all, seen := EngineConfigs{}, map[string]bool{}
	var faults []error
	for _, w := range p.workers() {
		for _, path := range configsIn(slices.Concat(p.EngineArgs, w.EngineArgs)) {
			place := cmp.Or(p.ConfigsAt[path], p.Source)
			if seen[path] {
				continue
			}
			seen[path] = true
			options, err := readEngineConfig(path)
			if err != nil {
				faults = append(faults, fmt.Errorf("%s: cannot read --config %s: %w", place, path, err))
				continue
			}
			all[path] = options
			for _, name := range slices.Sorted(maps.Keys(options)) {
				if fault := inConfig(p.Engine, name, options[name]); fault != "" {
					faults = append(faults, fmt.Errorf("%s: %s in --config %s %s", place, name, path, fault))
				}
			}
		}
	}
	return all, errors.Join(faults...)
}

// inConfig is why an engine's own file may not have an option; "" = it may.
func inConfig(engine, name, value string) string {
	flag := "--" + strings.ReplaceAll(name, "_", "-")
	key, derived := derivedFrom(flag)
	why := closed(engine, flag, value)
	switch {
	case derived:
		return "is derived from " + key + ": remove it from that file"
	case value == "off":
		return ""
	case why != "":
		return "closes a gate: with it vLLM " + why + "; remove it from that file"
	case names(flag, NoCounters) && engine != "mocker":
		return "takes away the counters by which each cell is checked: remove it from that file, or move it to " +
			"engine_args, with evidence: noted"
	}
	return ""
}

// placeConfigs notes where the profile names each configuration file: file, line and column.
func (d *decoder) placeConfigs(p *Profile) {
	note := func(list string, args []string) {
		for i, arg := range args {
			file := strings.TrimPrefix(arg, "--config=")
			if file == arg && (i == 0 || args[i-1] != "--config") {
				continue
			}
			if p.ConfigsAt == nil {
				p.ConfigsAt = map[string]string{}
			}
			at := d.where(index(list, i))
			if at.line > 0 { // else it is of the command line
				p.ConfigsAt[file] = fmt.Sprintf("%s:%d:%d", d.source, at.line, at.column)
			}
		}
	}
	note("engine_args", p.EngineArgs)
	for _, w := range p.workers() {
		note(w.path+".engine_args", w.EngineArgs)
	}
}

// configsIn are the paths behind --config. The last one counts, but each is a file that the user means.
func configsIn(args []string) (paths []string) {
	for i, arg := range args {
		if path, joined := strings.CutPrefix(arg, "--config="); joined {
			paths = append(paths, path)
		} else if arg == "--config" && i+1 < len(args) {
			paths = append(paths, args[i+1])
		}
	}
	return paths
}

func readEngineConfig(path string) (map[string]string, error) {
	if !filepath.IsAbs(path) {
		return nil, errors.New("workers run in directories of their own: write an absolute path")
	}
	data, err := os.ReadFile(path)
	if cause, known := errors.AsType[*os.PathError](err); known {
		return nil, cause.Err
	}
	if err != nil {
		return nil, err
	}
	var file map[string]any
	if err := yaml.Unmarshal(data, &file); err != nil {
		return nil, err
	}
	options := map[string]string{}
	for name, value := range file {
		switch value := value.(type) {
		case bool:
			options[name] = map[bool]string{true: "on", false: "off"}[value]
		case []any, map[string]any:
			text, err := json.Marshal(value)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			options[name] = string(text)
		default:
			options[name] = fmt.Sprint(value)
		}
	}
	return options, nil
}
