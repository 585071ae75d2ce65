package ui

import (
	"fmt"
	"strings"
	"time"

	"topobench/internal/text"
)

// barWidth is the length of the sweep's bar in columns: with the longest text
// before it, it still fits 80.
const barWidth = 10

// shown says whether there is anything to show.
func (s Sweep) shown() bool { return s.All > 0 || s.Proof != "" }

// text is the sweep in words.
func (s Sweep) text() string {
	if s.Proof != "" {
		return "first completions: " + text.Clean(s.Proof)
	}
	parts := []string{fmt.Sprintf("cells %d/%d", s.Done, s.All)}
	if s.Concurrency > 0 {
		parts = append(parts, fmt.Sprintf("concurrency %d", s.Concurrency))
	}
	if s.Asked > 0 {
		parts = append(parts, fmt.Sprintf("requests %d/%d", s.Requests, s.Asked))
	}
	if s.Left >= time.Second {
		parts = append(parts, "about "+age(s.Left)+" left")
	}
	return strings.Join(parts, "  ")
}

// bar shows the cells done and the share done of the running one.
func (s Sweep) bar() string {
	if s.All == 0 {
		return ""
	}
	done := float64(s.Done)
	if s.Asked > 0 {
		done += min(1, float64(s.Requests)/float64(s.Asked))
	}
	full := min(barWidth, max(0, int(done/float64(s.All)*barWidth)))
	return "[" + strings.Repeat("#", full) + strings.Repeat(".", barWidth-full) + "]"
}

// places says where a service is: its GPUs and its port.
func places(s Service) string {
	var parts []string
	if len(s.GPUs) > 0 {
		parts = append(parts, "GPU "+strings.Trim(strings.ReplaceAll(fmt.Sprint(s.GPUs), " ", ","), "[]"))
	}
	if s.Port > 0 {
		parts = append(parts, fmt.Sprintf("port %d", s.Port))
	}
	return strings.Join(parts, "  ")
}

// age words a duration in whole seconds: 42s, 2m05s, 1h02m.
func age(d time.Duration) string {
	seconds := int(d / time.Second)
	switch {
	case seconds < 60:
		return fmt.Sprintf("%ds", max(0, seconds))
	case seconds < 3600:
		return fmt.Sprintf("%dm%02ds", seconds/60, seconds%60)
	}
	return fmt.Sprintf("%dh%02dm", seconds/3600, seconds/60%60)
}
