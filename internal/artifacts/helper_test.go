package artifacts

import (
	"os"
	"path/filepath"
	"testing"
)

// recorded is a recorded file of aiperf's.
func recorded(t testing.TB, parts ...string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(append([]string{"..", "aiperf", "testdata"}, parts...)...))
	if err != nil {
		t.Fatal(err)
	}
	return data
}
