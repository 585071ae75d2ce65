package profile

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// setting is a value of the command line, --set KEY=VALUE, over the profile's own. Its nodes have a line below 0, by
// which faults name the flag instead of the file.
type setting struct {
	key   string // as it was given
	path  string // decode[0].port, also of decode.0.port
	value *yaml.Node
	used  bool
}

// settings reads the values of --set. They are YAML, as in the file.
func (d *decoder) settings(all []string) {
	for _, text := range all {
		key, value, given := strings.Cut(text, "=")
		s := setting{key: key, path: item.ReplaceAllString(key, "[$1]")}
		line := -1 - len(d.sets)
		d.sets = append(d.sets, s)
		if !given || key == "" {
			d.add(position{line, 0}, "write KEY=VALUE, such as decode.tensor_parallel=2")
			continue
		}
		root, fault := parse([]byte(value))
		switch {
		case fault != nil && fault.Text == empty:
			d.add(position{line, 0}, "it has no value")
			continue
		case fault != nil:
			d.add(position{line, 0}, fault.Text)
			continue
		}
		mark(root, line)
		d.lint(root)
		d.sets[len(d.sets)-1].value = root
	}
}

// mark gives a node and all below it a line.
func mark(n *yaml.Node, line int) {
	n.Line, n.Column = line, 0
	for _, child := range n.Content {
		mark(child, line)
	}
}

// override puts the settings over the keys of the mapping at path, and adds the keys that it lacks.
func (d *decoder) override(path string, own []entry) []entry {
	for i := range d.sets {
		s, line := &d.sets[i], -1-i
		key, rest, below := s.below(path)
		if !below || s.value == nil {
			continue
		}
		if rest == "" && brackets.MatchString(key) {
			d.add(position{line, 0}, whole(key))
			continue
		}
		at := slices.IndexFunc(own, func(e entry) bool { return e.key.Value == key })
		e := entry{&yaml.Node{Kind: yaml.ScalarNode, Value: key, Line: line}, s.value}
		switch {
		case at >= 0 && rest != "": // value descends
			continue
		case rest != "" && path == "" && isRole(key):
			d.add(position{line, 0},
				"the profile has no "+key+": with several profiles name one, PROFILE:"+printable(s.key))
			continue
		case rest != "":
			e.value = &yaml.Node{Kind: yaml.MappingNode, Line: line}
		default:
			s.used = true
		}
		if at < 0 {
			at, own = len(own), append(own, entry{})
		}
		own[at] = e
		d.at[join(path, key)+"#"] = position{line, 0}
	}
	return own
}

var (
	item     = regexp.MustCompile(`\.(\d+)\b`)
	brackets = regexp.MustCompile(`\[\d+\]`)
)

// whole is the fault of a setting of an item: name[0]=value.
func whole(key string) string {
	name := brackets.ReplaceAllString(key, "")
	if isRole(name) {
		return "name a key of that worker, " + printable(key) + ".port=8001, or set all workers, " + name + "=[...]"
	}
	return "a list is set as a whole: " + printable(name) + "=[...]"
}

// below splits the part of the key that is below path. decode.port is below each of decode[0], decode[1] ...
func (s setting) below(path string) (key, rest string, below bool) {
	rest, below = s.path, path == ""
	for _, outer := range []string{path, brackets.ReplaceAllString(path, "")} {
		if !below {
			rest, below = strings.CutPrefix(s.path, outer+".")
		}
	}
	key, rest, _ = strings.Cut(rest, ".")
	if rest != "" && path == "" {
		key = brackets.ReplaceAllString(key, "")
	}
	return key, rest, below
}

// unused reports the settings that no key of the profile took.
func (d *decoder) unused(p Profile) {
	for i, s := range d.sets {
		at := position{-1 - i, 0}
		reported := func(f Fault) bool { return f.Source == d.fault(at, "").Source }
		if s.value != nil && !s.used && !slices.ContainsFunc(d.faults, reported) {
			d.add(at, "the profile has no such key"+d.workersOf(s.path, p))
		}
	}
}

// workersOf ends the fault of a key below a worker that the profile lacks.
func (d *decoder) workersOf(path string, p Profile) string {
	role, key, _ := strings.Cut(path, ".")
	role = brackets.ReplaceAllString(role, "")
	for _, r := range p.roles() {
		n := len(*r.workers)
		switch {
		case r.name != role || key == "" || n == 0:
		case slices.Contains(d.short, role):
			return fmt.Sprintf(": %[1]s is in the short form, whose workers are alike: %[1]s.%[2]s sets all of "+
				"them, and a list, %[1]s=[...], makes them differ", role, printable(key))
		default:
			return fmt.Sprintf(": the last worker is %[1]s[%[2]d]; %[1]s.%[3]s sets all of them",
				role, n-1, printable(key))
		}
	}
	return ""
}

func isRole(key string) bool { return key == "prefill" || key == "decode" || key == "aggregated" }
