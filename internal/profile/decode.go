package profile

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// maxValues bounds what aliases may expand to; a large profile has some hundred values.
const maxValues = 10_000

// decoder fills a struct from YAML nodes by the struct's tags. yaml.v3's own
// decoding gives no columns, and takes 1.5 for 1, 010 for 8 and null for 0.
//
// A path names a value: prefill[0].port. With "#" at its end it names the key.
type decoder struct {
	source string
	left   int                 // values that may still be visited
	at     map[string]position // position of each path in the file
	bad    map[string]bool     // paths whose value could not be taken
	short  []string            // roles in the short form
	sets   []setting           // of the command line
	faults Faults
}

type position struct{ line, column int }

// value decodes n into v. It records faults instead of returning one, and goes on to find the rest.
func (d *decoder) value(path string, n *yaml.Node, v reflect.Value, tag reflect.StructTag) {
	if !d.spend() {
		return
	}
	d.at[path] = position{n.Line, n.Column}
	n = target(n)
	if n.Kind == yaml.MappingNode && v.Type() == reflect.TypeFor[[]Worker]() {
		d.short = append(d.short, path)
		n = &yaml.Node{Kind: yaml.SequenceNode, Line: n.Line, Column: n.Column, Content: []*yaml.Node{n}}
	}
	want := expected(v.Type(), tag)
	switch {
	case v.Type() == reflect.TypeFor[struct{}](): // x: not read
	case isNull(n):
		d.wrong(path, "%s is empty: give it a value or remove it", subject(path))
	case n.Kind != want.kind:
		d.wrong(path, "%s must be %s, not %s", subject(path), want.text, describe(n))
	default:
		d.fill(path, n, v, tag)
	}
}

// fill decodes n, whose kind fits v.
func (d *decoder) fill(path string, n *yaml.Node, v reflect.Value, tag reflect.StructTag) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.fill(path, n, v.Elem(), tag)
	case reflect.Struct:
		d.object(path, n, v)
	case reflect.Map:
		if v.Type() == reflect.TypeFor[Fields]() {
			d.fields(path, n, v)
			return
		}
		v.Set(reflect.MakeMap(v.Type()))
		for _, e := range d.override(path, d.entries(path, n)) {
			elem := reflect.New(v.Type().Elem()).Elem()
			d.value(join(path, e.key.Value), e.value, elem, tag)
			v.SetMapIndex(reflect.ValueOf(e.key.Value), elem)
		}
	case reflect.Slice:
		items := n.Content[:min(len(n.Content), max(0, d.left)+1)] // one more, to run out
		list := reflect.MakeSlice(v.Type(), len(items), len(items))
		for i, item := range items {
			d.value(index(path, i), item, list.Index(i), tag)
		}
		v.Set(list)
	default:
		if n.Value == "srun" && tag.Get("one") == transports {
			d.wrong(path, "%s: srun is not a transport any more: write slurm, which takes the nodes of the "+
				"allocation in turn", subject(path))
			return
		}
		if !scalar(n, v, tag) {
			d.wrong(path, "%s must be %s, not %s", subject(path), expected(v.Type(), tag).text, describe(n))
		}
	}
}

// object decodes a mapping with fixed keys.
func (d *decoder) object(path string, n *yaml.Node, v reflect.Value) {
	fields := map[string]reflect.StructField{}
	for field := range v.Type().Fields() {
		if key := field.Tag.Get("yaml"); key != "-" {
			fields[key] = field
		}
	}
	for _, e := range d.override(path, d.entries(path, n)) {
		child := join(path, e.key.Value)
		field, is := fields[e.key.Value]
		if !is {
			known := slices.Sorted(maps.Keys(fields))
			d.wrong(child+"#", "unknown key %.80q%s", e.key.Value, suggest(e.key.Value, known))
			d.misspelt(path, nearest(e.key.Value, known))
			continue
		}
		if list := field.Tag.Get("or"); list != "" && listsUUIDs(e.value) {
			field, _ = v.Type().FieldByName(list)
		}
		d.value(child, e.value, v.FieldByIndex(field.Index), field.Tag)
	}
}

// listsUUIDs reports whether the first item of a list is the UUID of a GPU, or of a part of one.
func listsUUIDs(n *yaml.Node) bool {
	list := target(n)
	if list.Kind != yaml.SequenceNode || len(list.Content) == 0 {
		return false
	}
	first := target(list.Content[0]).Value
	return strings.HasPrefix(first, "GPU-") || strings.HasPrefix(first, "MIG-")
}

// misspelt marks the key that a misspelt one was meant to be as bad, so that its absence is
// not reported too. A key that is also there is still checked.
func (d *decoder) misspelt(path, meant string) {
	if _, given := d.at[join(path, meant)+"#"]; !given && meant != "" {
		d.bad[join(path, meant)] = true
	}
}

type shape struct {
	kind yaml.Kind
	text string
}

// expected describes the values of type t in YAML.
func expected(t reflect.Type, tag reflect.StructTag) shape {
	switch {
	case t == reflect.TypeFor[time.Duration]():
		return shape{yaml.ScalarNode, "a duration with its unit, more than 0, such as 30m or 90s"}
	case t.Kind() == reflect.Int:
		return shape{yaml.ScalarNode, fmt.Sprintf("a plain integer (%s)", tag.Get("in"))}
	case t.Kind() == reflect.Bool:
		return shape{yaml.ScalarNode, "true or false"}
	case t.Kind() == reflect.Slice:
		return shape{yaml.SequenceNode, "a list"}
	case t.Kind() == reflect.String && tag.Get("one") != "":
		return shape{yaml.ScalarNode, "one of " + tag.Get("one")}
	case t.Kind() == reflect.String:
		return shape{yaml.ScalarNode, "text"}
	default:
		return shape{yaml.MappingNode, "a mapping (key: value)"}
	}
}
