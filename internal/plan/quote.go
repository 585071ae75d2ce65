package plan

import (
	"strings"

	"topobench/internal/profile"
)

// Quote makes one word of POSIX shell out of any text.
func Quote(text string) string {
	if text != "" && strings.Trim(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@%") == "" {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// word is Quote of a text in which Call and freeIndex are the script's variables.
func word(text string) string {
	for mark, variable := range map[string]string{Call: `"$call"`, freeIndex: `"$free"`} {
		if before, after, found := strings.Cut(text, mark); found {
			return part(before) + variable + part(after)
		}
	}
	return Quote(text)
}

// part of a word may be empty.
func part(text string) string {
	if text == "" {
		return ""
	}
	return word(text)
}

func quoteAll(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = word(w)
	}
	return strings.Join(quoted, " ")
}

// quoteEnv makes arguments of env(1): NAME=value quoted, and -u for a name that is
// not inherited, which stands before all others. Of NAME=${ENV:OTHER} it makes an expansion of
// OTHER, so that a secret is named in the script and not written into it.
func quoteEnv(env []string) string {
	words := make([]string, len(env))
	for i, kv := range env {
		name, value, set := strings.Cut(kv, "=")
		if !set {
			words[i] = "-u " + Quote(name)
		} else if ref, ok := profile.Reference(value); ok {
			words[i] = Quote(name+"=") + `"${` + ref + `:?}"`
		} else {
			words[i] = word(kv)
		}
	}
	return strings.Join(words, " ")
}
