package cli_test

import (
	"go/ast"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A time of time.Now has two readings; Sub, Before, After, timers and contexts use
// the monotonic one, which no NTP step, daylight saving or date(1) moves. It is lost
// by what stands here. So where none of that is, no deadline, duration or order of
// events depends on the wall clock; each exception is a label or an identity.
func TestF5ENothingDependsOnTheWallClock(t *testing.T) {
	losing := []string{"UTC", "Local", "ModTime", "Unix", "UnixMilli", "UnixMicro", "UnixNano", "Parse", "ParseInLocation", "Date", "AddDate"}
	reasons := map[string]string{
		"journal/file.go UTC":          "a label for people; the line's milliseconds since its begin are monotonic",
		"artifacts/run.go UTC":         "part of a run's name",
		"report/cells.go UTC":          "a label for people, of a time that was read from a file",
		"host/gpu/samples.go Parse":    "nvidia-smi prints a time; a sample that a step of the clock misplaces is a point of a chart",
		"run/sampler.go UnixNano":      "aiperf records times so; the same",
		"host/agent/calls.go UnixNano": "the offset of a host's clock is measured: a label for people",
		"host/agent/connect.go Unix":   "the same",
		"programs/cache.go ModTime":    "the identity of a file, compared for equality",
		"programs/cache.go UnixNano":   "the same",
		"programs/python.go ModTime":   "the same",
		"programs/python.go UnixNano":  "the same",
	}
	for _, s := range sources(t) {
		if strings.HasPrefix(s.pkg, "testbed") {
			continue
		}
		ast.Inspect(s.syntax, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			of, ok := call.Fun.(*ast.SelectorExpr)
			if !ok || !slices.Contains(losing, of.Sel.Name) {
				return true
			}
			if x, ok := of.X.(*ast.Ident); of.Sel.Name == "Parse" && (!ok || x.Name != "time") {
				return true
			}
			if place := s.pkg + "/" + filepath.Base(s.path) + " " + of.Sel.Name; reasons[place] == "" {
				t.Errorf("%s: a time loses its monotonic reading; say why that is no matter", place)
			}
			return true
		})
	}
}
