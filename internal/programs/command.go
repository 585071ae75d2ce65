package programs

import (
	"fmt"
	"path/filepath"
	"strings"

	"topobench/internal/profile"
)

// CheckCommand refuses a profile of engine command whose program is not here. A bare name is searched on PATH, where
// the start of the program searches it too.
func CheckCommand(p profile.Profile, getenv func(string) string) error {
	if p.Command == nil {
		return nil
	}
	name := p.Command.Argv[0]
	if !strings.Contains(name, "/") {
		if onPath(filepath.SplitList(getenv("PATH")), name) == "" {
			return fmt.Errorf("%s: cannot find %s, the program of command.argv, in PATH (%s); install it, or give "+
				"its path", p.Source, name, getenv("PATH"))
		}
		return nil
	}
	if _, err := executable(name); err != nil {
		return fmt.Errorf("%s: cannot run the program of command.argv: %w; correct the path, or omit it to search PATH",
			p.Source, err)
	}
	return nil
}
