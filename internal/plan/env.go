package plan

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"topobench/internal/artifacts"
	"topobench/internal/profile"
	"topobench/internal/text"
)

// Inherit lists the variables of an environment that services receive, sorted. Names are public, values are not.
func Inherit(environ []string) []string {
	dropped := droppedFrom(Children, Services)
	return namesOf(environ, func(name string) bool { return !dropped(name) })
}

// DroppedNames lists the variables of an environment that no child receives, sorted.
func DroppedNames(environ []string) []string {
	return namesOf(environ, droppedFrom(Children))
}

func namesOf(environ []string, wanted func(name string) bool) []string {
	names := []string{}
	for name := range valuesOf(environ) {
		if wanted(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// valuesOf are the variables of an environment.
func valuesOf(environ []string) map[string]string {
	all := map[string]string{}
	for _, kv := range environ {
		if name, value, found := strings.Cut(kv, "="); found && name != "" {
			all[name] = value
		}
	}
	return all
}

// Environ is the whole environment of a service: the inherited variables of the caller, then own, each name once. The
// last value of own wins over the others and over the caller's. A value "${ENV:NAME}" is the caller's variable NAME.
// A name without "=" is not inherited. Missing NAMEs are returned.
func Environ(caller, own []string) (env []string, missing []string) {
	return environ(droppedFrom(Children, Services), caller, own)
}

// LoadEnviron is the whole environment of aiperf, by the same rules.
func LoadEnviron(caller, own []string) (env []string, missing []string) {
	return environ(droppedFrom(Children), caller, own)
}

func environ(dropped func(name string) bool, caller, own []string) (env []string, missing []string) {
	theirs, last := valuesOf(caller), map[string]int{}
	for i, kv := range own {
		name, _, _ := strings.Cut(kv, "=")
		last[name] = i
	}
	for _, name := range slices.Sorted(maps.Keys(theirs)) {
		if _, ours := last[name]; !ours && !dropped(name) {
			env = append(env, name+"="+theirs[name])
		}
	}
	for i, kv := range own {
		name, _, set := strings.Cut(kv, "=")
		if !set || last[name] != i {
			continue
		}
		literal, ref := Expansion(kv)
		value, known := theirs[ref]
		switch {
		case ref == "" || known:
		case strings.HasSuffix(literal, ","): // NO_PROXY, of which the caller has no more
			literal = strings.TrimSuffix(literal, ",")
		case literal != name+"=": // the PATH of a caller without one: a program still finds sh and env
			value = "/usr/local/bin:/usr/bin:/bin"
		default:
			missing = append(missing, ref)
		}
		env = append(env, literal+value)
	}
	return env, missing
}

// Expansion splits an assignment into its text and the variable of the caller that follows it, "" for none. The whole
// value is a reference, or the end of a list: PATH behind the program's own directory, NO_PROXY behind the hosts.
func Expansion(assignment string) (literal, reference string) {
	name, value, _ := strings.Cut(assignment, "=")
	if ref, ok := profile.Reference(value); ok {
		return name + "=", ref
	}
	separator, list := ":", name == "PATH"
	if slices.Contains(noProxy(), name) {
		separator, list = ",", true
	}
	ours, rest, found := strings.Cut(value, separator+referenceMark)
	if ref, ok := profile.Reference(referenceMark + rest); list && found && ok {
		return name + "=" + ours + separator, ref
	}
	return assignment, ""
}

// referenceMark begins a reference to a variable of the caller.
const referenceMark = "${ENV:"

// ProgramEnv adds to the variables of a program: its own directory is the first on its PATH, since an environment that
// is not activated keeps its compilers there. A program of the tool cache gets none of the caller's pythonVariables.
func ProgramEnv(program, cache string, own []string) []string {
	if !filepath.IsAbs(program) {
		return own
	}
	if cache != "" && strings.HasPrefix(program, cache+string(filepath.Separator)) {
		own = slices.Concat(pythonVariables(), own)
	}
	path := referenceMark + "PATH}"
	for _, kv := range own {
		if value, found := strings.CutPrefix(kv, "PATH="); found {
			path = value
		}
	}
	dir := filepath.Dir(program)
	if path == dir || strings.HasPrefix(path, dir+":") {
		return own
	}
	own = slices.DeleteFunc(slices.Clone(own), func(kv string) bool { return strings.HasPrefix(kv, "PATH=") })
	return append(own, "PATH="+dir+":"+path)
}

// Assignment is a variable that topobench sets for every child.
type Assignment struct{ Name, Value, Why string }

// RunVariable marks the processes of a run on a machine.
const RunVariable = artifacts.RunVariable

// Bookkeeping is in the environment of every child.
func Bookkeeping(at Placement) []Assignment {
	return []Assignment{
		{RunVariable, at.Cookie, "the run id, by which clean recognises a process of the run"},
		{"SPT_NOENV", "1", "keeps setproctitle (vLLM, aiperf) from erasing TOPOBENCH_RUN"},
		{"TMPDIR", at.Temp, "a short private directory, removed at the end"},
		{"PYTHONUNBUFFERED", "1", "logs grow at once"},
		{"VLLM_NO_USAGE_STATS", "1", "switches telemetry off"},
		{"DO_NOT_TRACK", "1", "switches telemetry off"},
		{"HF_HUB_DISABLE_TELEMETRY", "1", "switches telemetry off"},
	}
}

func bookkeeping() []string {
	return text.Each(Bookkeeping(Unplaced()), func(a Assignment) string { return a.Name + "=" + a.Value })
}

// pairs turns a map of the profile into sorted NAME=value.
func pairs(m map[string]string) []string {
	var kv []string
	for name, v := range m {
		kv = append(kv, name+"="+v)
	}
	slices.Sort(kv)
	return kv
}
