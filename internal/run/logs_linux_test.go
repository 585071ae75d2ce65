package run

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// An agent gives the end of a file in pieces only.
func TestALongLogIsCopiedThroughAnAgent(t *testing.T) {
	const half = 5 << 20 // more than one piece
	f, err := inProcess(t, t.Context(), "run-node1", AgentOptions{Run: "run-node1", Temp: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	from, to := filepath.Join(t.TempDir(), "from"), filepath.Join(t.TempDir(), "to")
	if err := os.WriteFile(from, append(make([]byte, 3*half), "end"...), 0o600); err != nil {
		t.Fatal(err)
	}
	cut, err := fetchLog(t.Context(), f, from, to, half)
	if copied := contents(t, to); err != nil || !cut || !bytes.HasSuffix(copied, []byte("\x00end")) || len(copied) < 2*half {
		t.Errorf("a copy of %d bytes, cut %t, %v", len(copied), cut, err)
	}
	if left, err := f.Close(t.Context()); err != nil || len(left) > 0 {
		t.Errorf("%q, %v", left, err)
	}
}
