package cli

import (
	"fmt"
	"text/tabwriter"

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
	w := tabwriter.NewWriter(env.Stdout, 0, 0, 2, ' ', 0)
	for _, name := range profiles.Names() {
		p, err := readProfile(env.reader(), name)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", name, p.Engine, p.Label(),
			text.Count(p.GPUs(), "GPU", "GPUs"), workers(p))
	}
	return w.Flush()
}

func workers(p profile.Profile) string {
	if p.Mode() == "aggregated" {
		return fmt.Sprintf("%d aggregated", len(p.Aggregated))
	}
	return fmt.Sprintf("%d prefill, %d decode", len(p.Prefill), len(p.Decode))
}
