package text

import (
	"encoding/json"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Ends is Clean, with the middle cut out so that width characters stay: the cause of an error often stands at its end.
func Ends(s string, width int) string {
	runes := []rune(Clean(s))
	if len(runes) <= width {
		return string(runes)
	}
	head := width / 3
	return string(runes[:head]) + " ... " + string(runes[len(runes)-width+head:])
}

// The parts of an HTML error page, such as nginx's: the title has the status, and the rest repeats it.
var (
	page  = regexp.MustCompile(`(?is)(?:<!doctype html[^>]*>\s*)?<html.*?(?:</html>|$)`) // constant
	title = regexp.MustCompile(`(?is)<title>(.*?)</title>`)                              // constant
	tag   = regexp.MustCompile(`(?s)<[^>]*>`)                                            // constant
)

// Message is the text for a person in the body of an HTTP error, in one line: the message of a JSON error, and the
// title in place of an HTML page. Any other body stays.
func Message(body string) string {
	var e struct {
		Error           json.RawMessage
		Message, Detail string
	}
	_ = json.Unmarshal([]byte(body), &e) // any other body has no message; a detail may be a list
	var inner struct{ Message string }
	var short string
	_, _ = json.Unmarshal(e.Error, &inner), json.Unmarshal(e.Error, &short)
	for _, message := range []string{inner.Message, short, e.Message, e.Detail} {
		if message != "" {
			return Clean(message)
		}
	}
	return strings.Join(strings.Fields(Clean(page.ReplaceAllStringFunc(body, pageTitle))), " ")
}

func pageTitle(html string) string {
	if found := title.FindStringSubmatch(html); found != nil {
		return found[1]
	}
	return tag.ReplaceAllString(html, " ")
}

// word is a word with the blanks before it.
var word = regexp.MustCompile(`\s*\S+`) // constant

// Fold breaks a line between words into lines of at most width columns. Blanks inside the line stay. Further lines are
// indented two columns more than the first. A longer word, such as a path, stays whole.
func Fold(line string, width int) []string {
	indent := strings.Repeat(" ", len(line)-len(strings.TrimLeft(line, " "))+2)
	var lines []string
	current := ""
	for _, w := range word.FindAllString(line, -1) {
		if current != "" && columns(current)+columns(w) > width {
			lines = append(lines, current)
			current, w = "", indent+strings.TrimLeft(w, " ")
		}
		current += w
	}
	return append(lines, current)
}

// columns counts characters without escape sequences.
func columns(s string) int { return utf8.RuneCountInString(escape.ReplaceAllString(s, "")) }
