package plan

import (
	"slices"
	"strings"

	"topobench/internal/profile"
)

// secretEnds are the ends of the names of variables, and of options in capitals, that hold a secret.
func secretEnds() []string {
	return []string{"_KEY", "_TOKEN", "_SECRET", "_PASSWORD", "_PASSWD", "_PASSPHRASE", "_CREDENTIALS"}
}

// isSecret reports whether a variable or an option holds a secret, by its name or its value.
func isSecret(name, value string) bool {
	name = "_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
	return profile.LooksSecret(value) ||
		slices.ContainsFunc(secretEnds(), func(end string) bool { return strings.HasSuffix(name, end) })
}
