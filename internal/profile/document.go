package profile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// Node is a value of a YAML document that is no profile, such as a manifest of Kubernetes. The zero Node is a value
// that the document lacks.
type Node struct {
	source, path string
	node         *yaml.Node
}

// Documents reads all documents of a text. The error is Faults: what Kubernetes' own reader would take otherwise than
// it looks (a key given twice, a merge) is one, because the counts of a topology are derived from it.
func Documents(source string, data []byte) ([]Node, error) {
	if fault := checkText(data); fault != nil {
		fault.Source, fault.Text = source, strings.ReplaceAll(fault.Text, "the profile", "the manifest")
		return nil, Faults{*fault}
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var all []Node
	var faults Faults
	for {
		document, err := next(decoder)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			fault := syntaxFault(data, err)
			fault.Source = source
			return nil, append(faults, *fault)
		}
		if root := document.Content[0]; !isNull(root) {
			n := Node{source: source, node: root}
			left := maxValues
			faults = append(faults, n.lint(&left)...)
			all = append(all, n)
		}
	}
	if len(faults) > 0 {
		return nil, faults
	}
	return all, nil
}

// lint finds what would be taken otherwise than it looks, in at most left values.
func (n Node) lint(left *int) (faults Faults) {
	if *left--; *left < 0 {
		return nil
	}
	if n.node.Kind == yaml.AliasNode || n.node.Anchor != "" {
		faults = append(faults, n.Fault("anchors and aliases are not taken: write the value out"))
	}
	if n.node.Kind == yaml.ScalarNode && strings.ContainsFunc(n.node.Value, isControl) {
		faults = append(faults, n.Fault("there is a control character in it: remove it"))
	}
	switch n.node.Kind {
	case yaml.MappingNode:
		seen := map[string]bool{}
		for i := 0; i+1 < len(n.node.Content); i += 2 {
			key := n.node.Content[i]
			child := Node{n.source, join(n.path, key.Value), key}
			switch {
			case key.Kind != yaml.ScalarNode || key.Tag == "!!merge":
				faults = append(faults, child.Fault("a key must be a word, not %s", describe(key)))
				continue
			case seen[key.Value]:
				faults = append(faults, child.Fault("the key is given twice"))
			}
			seen[key.Value] = true
			child.node = n.node.Content[i+1]
			faults = append(faults, child.lint(left)...)
		}
	case yaml.SequenceNode:
		for _, item := range n.Items() {
			faults = append(faults, item.lint(left)...)
		}
	}
	if *left < 0 && n.path == "" {
		faults = Faults{n.Fault("it has more than %d values", maxValues)}
	}
	return faults
}

// At is the value below some keys.
func (n Node) At(keys ...string) Node {
	for _, key := range keys {
		below := Node{source: n.source, path: join(n.path, key)}
		if n.node != nil && n.node.Kind == yaml.MappingNode {
			for i := 0; i+1 < len(n.node.Content); i += 2 {
				if n.node.Content[i].Value == key {
					below.node = n.node.Content[i+1]
				}
			}
		} else {
			below.node = nil
		}
		n = below
	}
	return n
}

// Items are the values of a list.
func (n Node) Items() (all []Node) {
	if n.node == nil || n.node.Kind != yaml.SequenceNode {
		return nil
	}
	for i, item := range n.node.Content {
		all = append(all, Node{n.source, index(n.path, i), item})
	}
	return all
}

// Keys are those of a mapping, as written.
func (n Node) Keys() (all []string) {
	if n.node == nil || n.node.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i < len(n.node.Content); i += 2 {
		all = append(all, n.node.Content[i].Value)
	}
	return all
}

// Given reports whether the document has the value, other than null.
func (n Node) Given() bool { return n.node != nil && !isNull(n.node) }

// Text is a word or a number as written; "" for anything else.
func (n Node) Text() string {
	if !n.Given() || n.node.Kind != yaml.ScalarNode {
		return ""
	}
	return n.node.Value
}

const mostCount = 100_000 // of replicas, nodes and GPUs: a product of three fits

// Count reads a whole number from 0 to mostCount; absent is the number of a value that the document lacks.
func (n Node) Count(absent int) (int, error) {
	if !n.Given() {
		return absent, nil
	}
	count, err := strconv.Atoi(n.Text())
	if err != nil || count < 0 || count > mostCount || strconv.Itoa(count) != n.Text() {
		return absent, n.Fault("it must be a whole number up to %d, not %s", mostCount, describe(n.node))
	}
	return count, nil
}

// Path is the place of the value in its document: spec.components[1].replicas.
func (n Node) Path() string { return n.path }

// Fault is one of the value. Its text begins with the path; a value that the document lacks has no line.
func (n Node) Fault(format string, args ...any) Fault {
	fault := Fault{Source: n.source, Text: printable(n.path) + ": " + fmt.Sprintf(format, args...)}
	if n.path == "" {
		fault.Text = strings.TrimPrefix(fault.Text, ": ")
	}
	if n.node != nil {
		fault.Line, fault.Column = n.node.Line, n.node.Column
	}
	return fault
}

// Error makes a fault an error of its own.
func (f Fault) Error() string { return f.String() }

// Set puts a value below some keys of a mapping, and makes the mappings that it lacks.
func (n Node) Set(value any, keys ...string) error {
	encoded := &yaml.Node{}
	if err := encoded.Encode(value); err != nil {
		return fmt.Errorf("cannot write %s: %w", strings.Join(keys, "."), err)
	}
	at := n.node
	for i, key := range keys {
		below := Node{node: at}.At(key).node
		if below == nil {
			below = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
			at.Content = append(at.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: key}, below)
		}
		if i == len(keys)-1 {
			*below = *encoded
		}
		at = below
	}
	return nil
}

// Value is the document as maps, lists and scalars.
func (n Node) Value() (value any, err error) {
	err = n.node.Decode(&value)
	return value, err
}

// YAML is the document as text, with its comments.
func (n Node) YAML() (string, error) { return YAML(n.node) }

// YAML writes a value, the keys of a map in order.
func YAML(value any) (string, error) {
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := errors.Join(encoder.Encode(value), encoder.Close()); err != nil {
		return "", fmt.Errorf("cannot write YAML: %w", err)
	}
	return out.String(), nil
}
