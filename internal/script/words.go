package script

import (
	"strings"

	"topobench/internal/aiperf"
	"topobench/internal/plan"
	"topobench/internal/text"
)

// width is where lines wrap.
const width = 100

// newLine is a word at which a command continues on a new line.
const newLine = "\x00newline\x00"

// mark is an arithmetic expression in a word.
func mark(expression string) string { return "\x00=" + expression + "\x00" }

// variables are the marks in a plan's texts with the script's variables for them.
func variables() map[string]string {
	at := plan.Unplaced()
	return map[string]string{at.Dir: "dir", at.Namespace: "namespace", at.Artifacts: "results",
		"\x00call\x00": "call", "\x00root\x00": "root"}
}

// quote makes one word of POSIX shell out of any text.
func quote(text string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@%"
	if text != "" && strings.Trim(text, plain) == "" {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

func quoteAll(words []string) string {
	return strings.Join(text.Each(words, word), " ")
}

// word is quote of a text whose marks become variables, all in double quotes.
func word(text string) string {
	if !strings.Contains(text, "\x00") {
		return quote(text)
	}
	return `"` + substituted(text, strings.NewReplacer(`\`, `\\`, "$", `\$`, "`", "\\`", `"`, `\"`)) + `"`
}

// expanded is the text of a here-document, in which only marks are variables.
func expanded(text string) string {
	return substituted(text, strings.NewReplacer(`\`, `\\`, "$", `\$`, "`", "\\`"))
}

// substituted puts variables in the place of marks, and escapes the text between them.
func substituted(text string, escape *strings.Replacer) string {
	var b strings.Builder
	names := variables()
	for {
		before, rest, found := strings.Cut(text, "\x00")
		b.WriteString(escape.Replace(before))
		if !found {
			return b.String()
		}
		inner, after, _ := strings.Cut(rest, "\x00")
		text = after
		expression, arithmetic := strings.CutPrefix(inner, "=")
		name := names["\x00"+inner+"\x00"]
		switch {
		case arithmetic && !strings.Contains(expression, " "):
			name = expression
		case arithmetic:
			b.WriteString("$((" + expression + "))")
			continue
		}
		if after != "" && (after[0] == '_' || isLetterOrDigit(after[0])) {
			name = "{" + name + "}"
		}
		b.WriteString("$" + name)
	}
}

func isLetterOrDigit(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// environment makes arguments of env(1). NAME=${ENV:OTHER} becomes an expansion of OTHER:
// the script names a secret and does not contain it.
func environment(env []string) []string {
	return text.Each(env, func(kv string) string {
		if literal, ref := plan.Expansion(kv); ref != "" {
			if list, ends := strings.CutSuffix(literal, ","); ends { // of which the caller may have no more
				return quote(list) + `"${` + ref + `:+,$` + ref + `}"`
			}
			return quote(literal) + `"${` + ref + `:?}"`
		}
		name, value, _ := strings.Cut(kv, "=")
		if strings.Contains(value, "\x00") {
			return quote(name+"=") + word(value)
		}
		if strings.HasPrefix(name, aiperf.VariablePrefix) { // the caller's win
			return name + `="${` + name + ":-" + value + `}"`
		}
		return quote(kv)
	})
}

// units are the words of a command, a flag with its values together, so that no line breaks between them.
func units(argv []string) []string { return text.Each(plan.Groups(argv), quoteAll) }

// wrapped is words as lines of at most width characters, if no word is longer, at a depth
// of indentation. continued ends every line but the last.
func wrapped(depth int, words []string, continued string) string {
	indent := strings.Repeat("  ", depth)
	lines := []string{indent}
	fresh := true // nothing is on the last line yet
	for i, w := range words {
		last := &lines[len(lines)-1]
		room := width - len(continued)
		if i == len(words)-1 {
			room = width
		}
		if w == newLine || !fresh && len(*last)+1+len(w) > room {
			*last += continued
			lines = append(lines, indent+"  ")
			last, fresh = &lines[len(lines)-1], true
		}
		if w == newLine {
			continue
		}
		if !fresh && !strings.HasSuffix(*last, "(") && w != ")" {
			*last += " "
		}
		*last += w
		fresh = false
	}
	return strings.Join(lines, "\n")
}
