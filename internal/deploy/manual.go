package deploy

import (
	"fmt"
	"time"
)

// Names of the teardown checks that every topology has.
const (
	descendantsName = "descendants"
	portsName       = "ports"
)

// GoodAnswers is how many successive good answers open a gate.
const GoodAnswers = required

// TeardownRule describes a TeardownCheck for a person.
type TeardownRule struct {
	Name  string
	Holds string // what the check requires
	Limit string // how long a leftover may take to go
}

// TeardownRules are the checks that every teardown makes.
func TeardownRules() []TeardownRule {
	return []TeardownRule{
		{portsName, "every port binds, on 127.0.0.1 and on all addresses", Within(portsWithin)},
		{descendantsName, "topobench has no descendant, of any generation; on another host, its agent has none",
			"made once, after all others"},
	}
}

// Within is a limit as text.
func Within(d time.Duration) string { return fmt.Sprintf("within %v", d) }
