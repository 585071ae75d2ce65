package profile

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// PlainInt reads a whole number as people write it. It refuses the other notations of YAML
// 1.1 and Go: 010 (8), 0x1, 1_0.
func PlainInt(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || strconv.Itoa(n) != text {
		return 0, fmt.Errorf("%.40q is not a plain whole number, such as 10", text)
	}
	return n, nil
}

// scalar stores n in v, a string, integer, boolean or duration, and reports whether v can take it.
//
// Text is kept as it is written: `vllm: 0.10` is "0.10", although YAML reads a number.
func scalar(n *yaml.Node, v reflect.Value, tag reflect.StructTag) bool {
	switch {
	case v.Type() == reflect.TypeFor[time.Duration]():
		span, err := time.ParseDuration(n.Value)
		if err != nil || span <= 0 {
			return false
		}
		v.SetInt(int64(span))
	case v.Kind() == reflect.Int:
		number, err := PlainInt(n.Value)
		if low, high := bounds(tag); err != nil || !isPlain(n) || number < low || number > high {
			return false
		}
		v.SetInt(int64(number))
	case v.Kind() == reflect.Bool:
		if !isPlain(n) || n.Value != "true" && n.Value != "false" {
			return false
		}
		v.SetBool(n.Value == "true")
	default:
		if one := tag.Get("one"); one != "" && !slices.Contains(strings.Split(one, "|"), n.Value) {
			return false
		}
		v.SetString(n.Value)
	}
	return true
}

// bounds reads the closed range of an integer, "low..high", in a tag. No number is in the range of a wrong tag.
func bounds(tag reflect.StructTag) (low, high int) {
	if _, err := fmt.Sscanf(tag.Get("in"), "%d..%d", &low, &high); err != nil {
		return math.MaxInt, math.MinInt
	}
	return low, high
}

// CheckLoad refuses a number, given elsewhere than in a profile, that its key in load
// (isl, osl, concurrency) could not have there.
func CheckLoad(key string, n int) error {
	for field := range reflect.TypeFor[Sweep]().Fields() {
		if field.Tag.Get("yaml") != key {
			continue
		}
		if low, high := bounds(field.Tag); n < low || n > high {
			return fmt.Errorf("%s %d is not between %d and %d", key, n, low, high)
		}
		return nil
	}
	return fmt.Errorf("load has no key %s", key)
}

// target is the node that an alias names, or n itself.
func target(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// isPlain: neither quoted nor a block.
func isPlain(n *yaml.Node) bool { return n.Style&^yaml.TaggedStyle == 0 }

func isNull(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Tag == "!!null" && isPlain(n)
}

// describe names a node for a message.
func describe(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case isPlain(n) && printable(n.Value) == n.Value:
		return fmt.Sprintf("%.60s", n.Value)
	default:
		return fmt.Sprintf("the quoted text %.60q", n.Value)
	}
}
