package kube

import (
	"testing"

	"topobench/internal/testbed"
)

// TestMain makes the test binary the shepherd of the programs that it starts.
func TestMain(m *testing.M) { testbed.Main(m) }
