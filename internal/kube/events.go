package kube

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"topobench/internal/text"
)

// Events marks the events of the namespace as they are now. The function that it returns lists those that came, or came
// again, since.
func (s *Stack) Events(ctx context.Context) (since func(context.Context) ([]string, error), err error) {
	before, err := s.cluster.look(ctx, "events")
	return func(ctx context.Context) ([]string, error) {
		now, err := s.cluster.look(ctx, "events")
		return s.news(before.events, now.events), err
	}, err
}

// news are the warnings in the namespace, and all events of pods of the run, which do not change while it measures;
// those of the run's pods first.
func (s *Stack) news(before, now []eventObject) []string {
	seen := map[string]string{}
	for _, e := range before {
		seen[e.Metadata.UID] = e.Metadata.Version
	}
	var own, others []string
	for _, e := range now {
		mine := e.Involved.Kind == "Pod" && (e.Involved.Name == s.cluster.pod ||
			slices.ContainsFunc(s.Pods, func(p Pod) bool { return p.Name == e.Involved.Name }))
		if seen[e.Metadata.UID] == e.Metadata.Version || !mine && e.Type != "Warning" {
			continue
		}
		line := fmt.Sprintf("%s/%s: %s: %s", strings.ToLower(e.Involved.Kind), e.Involved.Name, e.Reason, e.Message)
		if mine {
			own = append(own, shorten(line))
		} else {
			others = append(others, shorten(line))
		}
	}
	return text.Distinct(append(own, others...))
}

// longestEvent is in characters; the message of a scheduler or a kubelet may be a page.
const longestEvent = 200

func shorten(line string) string {
	line = text.OneLine(line)
	if letters := []rune(line); len(letters) > longestEvent {
		return string(letters[:longestEvent]) + "..."
	}
	return line
}
