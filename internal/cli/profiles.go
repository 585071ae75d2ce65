package cli

import (
	"fmt"
	"io"
	"strconv"

	"topobench/internal/profile"
	"topobench/internal/text"
	"topobench/profiles"
)

type profilesCmd struct {
	Name string `arg:"" optional:"" help:"Print the text of this profile."`
}

// Run lists the built-in profiles, or prints one.
func (c *profilesCmd) Run(env *Env) error {
	if c.Name != "" {
		data, err := profiles.Read(c.Name)
		if err != nil {
			return &usageError{err}
		}
		_, err = env.Stdout.Write(data)
		return err
	}
	rows := [][]string{{"profile", "engine", "kind", "GPUs", "workers"}}
	for _, name := range profiles.Names() {
		p, err := readProfile(env.reader(), name)
		if err != nil {
			return err
		}
		rows = append(rows, []string{name, p.Engine, p.Kind, strconv.Itoa(p.GPUs()), workers(p)})
	}
	_, err := io.WriteString(env.Stdout, text.Sides(rows))
	return err
}

func workers(p profile.Profile) string {
	if p.Mode() == "aggregated" {
		return fmt.Sprintf("%d aggregated", len(p.Aggregated))
	}
	return fmt.Sprintf("%d prefill, %d decode", len(p.Prefill), len(p.Decode))
}
