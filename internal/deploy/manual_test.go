package deploy

import (
	"slices"
	"testing"
)

func TestTeardownRulesNameTheChecks(t *testing.T) {
	for _, check := range []TeardownCheck{portsCheck(place{}), (&Stack{}).descendants(place{})} {
		if !slices.ContainsFunc(TeardownRules(), func(r TeardownRule) bool { return r.Name == check.Name }) {
			t.Errorf("no rule describes the check %s", check.Name)
		}
	}
}
