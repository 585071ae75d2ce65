package kube

import (
	"path"
	"regexp"
	"strings"
)

// variable is a reference to a variable of a container: $(NAME) of Kubernetes, $NAME and ${NAME} of a shell.
var variable = regexp.MustCompile(`\$\([A-Za-z_]\w*\)|\$\{[A-Za-z_]\w*\}|\$[A-Za-z_]\w*`)

// expand replaces the variables whose values are known.
func expand(text string, env map[string]string) string {
	return variable.ReplaceAllStringFunc(text, func(reference string) string {
		if value, known := env[strings.Trim(reference, "$(){}")]; known {
			return value
		}
		return reference
	})
}

// unshelled is a command line without the shell that runs it: sh -c "python3 -m dynamo.vllm --model M". The last
// of several commands counts.
func unshelled(argv []string) []string {
	if len(argv) < 3 || !strings.HasSuffix(path.Base(argv[0]), "sh") || !strings.HasPrefix(argv[1], "-") ||
		!strings.HasSuffix(argv[1], "c") {
		return argv
	}
	all := split(strings.ReplaceAll(argv[2], "\\\n", " "))
	for i := len(all) - 1; i >= 0; i-- {
		if all[i] == "&&" || all[i] == ";" || all[i] == "exec" {
			return all[i+1:]
		}
	}
	return all
}

// split is the words of a shell command: blanks separate them, quotes hold them together.
func split(text string) (words []string) {
	var word strings.Builder
	var quote rune
	begun := false
	end := func() {
		if begun {
			words = append(words, word.String())
		}
		word.Reset()
		begun = false
	}
	for _, r := range text {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '\'' || r == '"'):
			quote, begun = r, true
		case quote == 0 && strings.ContainsRune(" \t\r\n", r):
			end()
			if r == '\n' && len(words) > 0 {
				words = append(words, ";")
			}
		case quote == 0 && r == ';':
			end()
			words = append(words, ";")
		default:
			word.WriteRune(r)
			begun = true
		}
	}
	end()
	for len(words) > 0 && words[len(words)-1] == ";" {
		words = words[:len(words)-1]
	}
	return words
}
