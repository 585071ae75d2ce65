package cli

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"topobench/profiles"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing")

// The printed differences from the guide for each built-in profile, with the versions of the
// guide's time and with today's.
func TestGuideTables(t *testing.T) {
	for name, versions := range map[string]string{
		"guide-old.txt": "{dynamo: '0.5', vllm: '0.10', aiperf: 0.1.1}",
		"guide-new.txt": "{dynamo: 1.6.1, vllm: 0.31.0, aiperf: 0.13.0}",
	} {
		var got bytes.Buffer
		for _, profile := range profiles.Names() {
			text, err := profiles.Read(profile)
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(t.TempDir(), profile+".yaml")
			if err := os.WriteFile(path, fmt.Appendf(text, "versions: %s\n", versions), 0o644); err != nil {
				t.Fatal(err)
			}
			var faults bytes.Buffer
			env := &Env{Stdout: &got, Stderr: &faults, Screen: &faults, Environ: []string{"HOME=" + t.TempDir()}}
			args := []string{"plan", "--guide", path}
			if bytes.Contains(text, []byte("\nhosts:")) {
				args = append(args, "--hosts", "node0=192.0.2.10,node1=192.0.2.11")
			}
			switch code := Main(args, env); code {
			case codeOK:
			case codeUsage:
				fmt.Fprintf(&got, "%s: not with these versions\n", profile)
			default:
				t.Errorf("%s: exit %d\n%s", profile, code, &faults)
			}
		}
		path := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got.String()); diff != "" {
			t.Errorf("%s differs (-want +got):\n%s", path, diff)
		}
	}
}
