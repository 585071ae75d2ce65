// Package profiles holds the built-in topology profiles: the guide's topologies on
// one node and on two, a fair baseline for them, the comparison of Dynamo's catalogue
// of benchmarks, their shapes with a simulated engine for a laptop, and small ones of
// real vLLM for a machine without a GPU.
//
// Each is a file that a person can copy and change; none needs another file.
package profiles

import (
	"embed"
	"fmt"
	"slices"
	"strings"
)

//go:embed *.yaml
var files embed.FS

// Names lists the built-in profiles, sorted.
func Names() []string {
	entries, err := files.ReadDir(".")
	if err != nil {
		panic(err) // the directory is part of the program
	}
	names := make([]string, len(entries))
	for i, entry := range entries {
		names[i] = strings.TrimSuffix(entry.Name(), ".yaml")
	}
	slices.Sort(names) // the files' order has demo-agg.yaml behind demo-agg-urls.yaml
	return names
}

// Read is the text of a built-in profile. The error names those there are.
func Read(name string) ([]byte, error) {
	data, err := files.ReadFile(name + ".yaml")
	if err != nil {
		return nil, fmt.Errorf("cannot find a built-in profile %q: there are %s", name, strings.Join(Names(), ", "))
	}
	return data, nil
}
