package run

import (
	"slices"
	"testing"

	"topobench/internal/deploy"
)

func TestTeardownRulesNameTheChecks(t *testing.T) {
	c := &Runner{}
	for _, check := range []deploy.TeardownCheck{c.processCheck(), c.sharedMemoryCheck(nil)} {
		if !slices.ContainsFunc(TeardownRules(), func(r deploy.TeardownRule) bool {
			return r.Name == check.Name && r.Limit == deploy.Within(check.Within)
		}) {
			t.Errorf("no rule describes the check %s within %v", check.Name, check.Within)
		}
	}
}
