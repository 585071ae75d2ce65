package aiperf

import (
	"slices"
	"strings"

	"topobench/internal/text"
)

// boxed is the first reason in the box of errors that aiperf draws at its end, or the whole text of a box without
// reasons; "" = there is none. The last error of its log before the box is only a summary.
func boxed(lines []string) string {
	begin := slices.IndexFunc(lines, func(l string) bool {
		return strings.HasPrefix(l, "╭") && strings.Contains(l, "Error")
	})
	if begin < 0 {
		return ""
	}
	var reason, whole []string
	inReason := false
	for _, line := range lines[begin+1:] {
		inner, inside := strings.CutPrefix(line, "│")
		if !inside {
			break
		}
		inner = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(inner), "│"))
		first, begins := strings.CutPrefix(inner, "Reason: ")
		switch {
		case begins && reason == nil:
			reason, inReason = []string{first}, true
		case begins, inner == "", strings.HasPrefix(inner, "Cause: "), strings.HasPrefix(inner, "•"):
			inReason = false
		case inReason:
			reason = append(reason, inner)
		}
		whole = append(whole, inner)
	}
	if reason == nil {
		reason = whole
	}
	found, _, _ := strings.Cut(strings.Join(reason, " "), " For further information visit ")
	if found == "" {
		return ""
	}
	return "aiperf: " + text.Ends(found, errorWidth)
}
