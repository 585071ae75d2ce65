package plan

import (
	"strings"
	"testing"
)

func TestNamespaceHasNoDots(t *testing.T) {
	if got := Namespace("20261124-1", "agg-0.5_x"); strings.ContainsAny(got, "._") {
		t.Errorf("Dynamo splits %q at its dots", got)
	}
}
