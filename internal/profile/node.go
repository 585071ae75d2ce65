package profile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// entry is one key of a mapping.
type entry struct{ key, value *yaml.Node }

// entries lists a mapping's keys, merged ones ("<<") after its own. A key of
// its own hides a merged one; among merged ones the first wins (yaml.org/type/merge.html).
func (d *decoder) entries(path string, n *yaml.Node) []entry {
	var own, merged []entry
	seen := map[string]int{} // key -> line
	for i := 0; i+1 < len(n.Content) && d.spend(); i += 2 {
		key, value := target(n.Content[i]), n.Content[i+1]
		child := join(path, key.Value)
		d.at[child+"#"] = position{n.Content[i].Line, n.Content[i].Column}
		line, twice := seen[key.Value]
		switch {
		case key.Kind != yaml.ScalarNode:
			d.wrong(child+"#", "a key must be a word, not %s", describe(key))
			continue
		case twice:
			d.wrong(child+"#", "key %.80q is given twice, first on %s", key.Value, d.place(line))
			continue
		case key.Tag == "!!merge":
			merged = append(merged, d.merged(path, value)...)
		default:
			own = append(own, entry{key, value})
		}
		seen[key.Value] = n.Content[i].Line
	}
	for _, e := range merged {
		if _, hidden := seen[e.key.Value]; !hidden {
			own = append(own, e)
			seen[e.key.Value] = e.key.Line
		}
	}
	for _, e := range own {
		d.at[join(path, e.key.Value)+"#"] = position{e.key.Line, e.key.Column}
	}
	return own
}

// merged lists the keys that "<<: n" adds: n is a mapping or a list of mappings.
func (d *decoder) merged(path string, n *yaml.Node) []entry {
	n = target(n)
	sources := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		sources = n.Content
	}
	var all []entry
	for _, source := range sources {
		if !d.spend() {
			break
		}
		if source = target(source); source.Kind != yaml.MappingNode {
			d.wrong(join(path, "<<")+"#", "<< merges mappings, not %s", describe(source))
			continue
		}
		all = append(all, d.entries(path, source)...)
	}
	return all
}

// lint refuses tags and control characters anywhere in the tree. It does not follow
// aliases: the values that they name are in the tree already.
func (d *decoder) lint(n *yaml.Node) {
	if n.Style&yaml.TaggedStyle != 0 {
		d.add(position{n.Line, n.Column}, fmt.Sprintf("the tag %.80q is not taken: write the value without it", n.Tag))
	}
	if n.Kind == yaml.ScalarNode && strings.ContainsFunc(n.Value, isControl) {
		d.add(position{n.Line, n.Column}, fmt.Sprintf("%s has a control character in it: remove it", describe(n)))
	}
	for _, child := range n.Content {
		d.lint(child)
	}
}

// spend counts visited values; an alias bomb runs out, and is reported once.
func (d *decoder) spend() bool {
	if d.left == 0 {
		d.wrong("", "the aliases of this profile expand to more than %d values", maxValues)
	}
	d.left--
	return d.left >= 0
}

// wrong records a fault of the value, or key, at path.
func (d *decoder) wrong(path, format string, args ...any) {
	if path != "#" { // a key without a name spoils no other
		d.bad[strings.TrimSuffix(path, "#")] = true
	}
	d.add(d.where(path), fmt.Sprintf(format, args...))
}

func (d *decoder) add(at position, text string) {
	d.faults = append(d.faults, d.fault(at, text))
}

// fault is in the file, or in a setting of the command line.
func (d *decoder) fault(at position, text string) Fault {
	if at.line < 0 {
		return Fault{Source: d.source + ": " + d.place(at.line), Text: text}
	}
	return Fault{d.source, at.line, at.column, text}
}

// place names a line of the file, or for a line below 0 the setting of the command line.
func (d *decoder) place(line int) string {
	if line < 0 {
		return "--set " + printable(d.sets[-1-line].key)
	}
	return fmt.Sprintf("line %d", line)
}

// because names the setting of the command line that a problem in the file follows from.
func (d *decoder) because(p problem) string {
	for _, path := range p.needs {
		if at := d.at[path]; at.line < 0 && d.where(p.path).line >= 0 {
			text := " (" + d.place(at.line) + ")"
			if role, _, _ := strings.Cut(path, "["); isRole(role) && strings.HasSuffix(path, "_parallel") {
				text += fmt.Sprintf(": set %[1]s.cuda_visible_devices too, or the short form, "+
					"%[1]s={workers: N, ...}, which derives it", role)
			}
			return text
		}
	}
	return ""
}

// where is the position of path, or of the nearest thing around it that is in the file.
func (d *decoder) where(path string) position {
	for {
		if at, ok := d.at[path]; ok || path == "" {
			return at
		}
		path = path[:max(0, strings.LastIndexAny(path, ".[#"))]
	}
}

// finish adds the problems that do not merely echo a bad value, and sorts. It reports a
// node that aliases reach twice only once.
func (d *decoder) finish(problems []problem) Faults {
	for _, p := range problems {
		if slices.ContainsFunc(p.needs, d.echo) {
			continue
		}
		if p.first != "" {
			p.text = strings.ReplaceAll(p.text, firstLine, d.place(d.where(p.first).line))
		}
		d.add(d.where(p.path), p.text+d.because(p))
	}
	slices.SortFunc(d.faults, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Text, b.Text))
	})
	d.once()
	return d.faults
}

// echo reports whether there is a bad value at path, in it or around it.
func (d *decoder) echo(path string) bool {
	path = strings.TrimSuffix(path, "#")
	for bad := range d.bad {
		if path == bad || inside(path, bad) || inside(bad, path) {
			return true
		}
	}
	return false
}

func inside(path, outer string) bool {
	rest, ok := strings.CutPrefix(path, outer)
	return ok && rest != "" && strings.ContainsRune(".[", rune(rest[0]))
}
