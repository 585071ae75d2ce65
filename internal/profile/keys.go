package profile

import (
	"fmt"
	"reflect"
	"strings"
	"time"
)

// Key is one key of a profile, for the manual.
type Key struct {
	Depth   int // 0 = top level
	Name    string
	Type    string // with the range of a number, or the closed set of a text
	Default string // "" = none, or it depends on other keys
	Help    string
}

// Keys lists every key in the order of the structs, the keys of a mapping below it. The keys of a worker
// are listed once.
func Keys() []Key {
	k := keys{worker: map[reflect.Type]bool{}}
	k.add(0, sample("dynamo"), sample("vllm"))
	return k.all
}

// sample is a profile with every mapping and nothing but defaults.
func sample(engine string) reflect.Value {
	p := Defaults()
	p.Engine, p.Frontend, p.Balancer, p.Prefill = engine, &Frontend{}, &Balancer{}, []Worker{{}}
	p.Decode, p.Aggregated = []Worker{{}}, []Worker{{}}
	p.Hosts = map[string]Host{"NAME": {}}
	p.Kubernetes = &Kubernetes{Tolerations: []Toleration{{}}, ModelStorage: &ModelStorage{}}
	p.fill()
	p.Command = &Command{}
	p.Command.fill()
	p.Engine = "" // it has no default
	return reflect.ValueOf(p)
}

type keys struct {
	all    []Key
	worker map[reflect.Type]bool // elements of lists that are listed already
}

// add lists the fields of two samples of one struct: dynamo's and that of the other engines.
func (k *keys) add(depth int, dynamo, other reflect.Value) {
	for field, value := range dynamo.Fields() {
		tag, otherValue := field.Tag, other.FieldByIndex(field.Index)
		if tag.Get("yaml") == "-" {
			continue
		}
		key := Key{Depth: depth, Name: tag.Get("yaml"), Type: typeText(field.Type, tag), Help: tag.Get("help")}
		switch key.Default = defaultText(value); {
		case key.Name == "versions":
			key.Type = "mapping of " + strings.Join(versioned, ", ")
		case key.Default != defaultText(otherValue):
			key.Default = fmt.Sprintf("%s for engine dynamo, else %s", key.Default, defaultText(otherValue))
		}
		k.all = append(k.all, key)
		if below := element(value); below.Kind() == reflect.Struct && !k.worker[below.Type()] {
			k.worker[below.Type()] = value.Kind() == reflect.Slice
			k.add(depth+1, below, element(otherValue))
		}
	}
}

// element is the struct that a pointer, a list or a mapping of samples holds.
func element(v reflect.Value) reflect.Value {
	switch v.Kind() {
	case reflect.Pointer:
		return v.Elem()
	case reflect.Slice:
		if v.Len() > 0 {
			return v.Index(0)
		}
	case reflect.Map:
		for _, value := range v.Seq2() {
			return value
		}
	}
	return v
}

// typeText describes the values of a key for a person.
func typeText(t reflect.Type, tag reflect.StructTag) string {
	switch {
	case t == reflect.TypeFor[time.Duration]():
		return "duration"
	case t == reflect.TypeFor[struct{}]():
		return "anything"
	case t.Kind() == reflect.Bool:
		return "true or false"
	case t.Kind() == reflect.Int:
		return "integer " + tag.Get("in")
	case t.Kind() == reflect.String && tag.Get("one") != "":
		return strings.ReplaceAll(tag.Get("one"), "|", " | ")
	case t.Kind() == reflect.String:
		return "text"
	case t == reflect.TypeFor[[]int]() && tag.Get("or") != "":
		return "list of integers " + tag.Get("in") + ", or of UUIDs"
	case t == reflect.TypeFor[[]int]():
		return "list of integers " + tag.Get("in")
	case t.Kind() == reflect.Slice:
		if t.Elem().Kind() == reflect.Struct {
			return "list of mappings"
		}
		return "list of " + typeText(t.Elem(), tag)
	case t == reflect.TypeFor[Fields]():
		return "mapping of fields of a PodSpec"
	case t.Kind() == reflect.Map:
		return "mapping of names to " + typeText(t.Elem(), tag)
	}
	return "mapping"
}

// defaultText writes a default as a profile does; "" is none.
func defaultText(v reflect.Value) string {
	if v.IsZero() {
		return ""
	}
	switch value := v.Interface().(type) {
	case time.Duration:
		text, minutes := strings.CutSuffix(value.String(), "m0s")
		if minutes {
			text += "m"
		}
		return text
	case []int:
		return strings.Trim(strings.ReplaceAll(fmt.Sprint(value), " ", ", "), "[]")
	case int, string:
		return fmt.Sprint(value)
	}
	return ""
}
