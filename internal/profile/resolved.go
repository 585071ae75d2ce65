package profile

import (
	"fmt"

	"gopkg.in/yaml.v3"
)

// Resolved is a complete profile as YAML, with every key: settings of the command line, defaults, and absolute paths.
func Resolved(p Profile) (string, error) {
	data, err := yaml.Marshal(p)
	if err != nil {
		return "", fmt.Errorf("cannot write the profile %s: %w", p.Name, err)
	}
	return string(data), nil
}
