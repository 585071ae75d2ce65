package aiperf

import (
	"slices"
	"strings"
	"testing"
)

// A person has the URL of a server in one of three forms; all requests go to one page.
func TestC12TheURLOfAServer(t *testing.T) {
	for whole, want := range map[string]string{
		"http://h:8000":                              "http://h:8000/v1/chat/completions",
		"http://h:8000/":                             "http://h:8000/v1/chat/completions",
		"http://h:8000/v1":                           "http://h:8000/v1/chat/completions",
		"http://h:8000/v1/":                          "http://h:8000/v1/chat/completions",
		"http://h:8000/v1/chat/completions":          "http://h:8000/v1/chat/completions",
		"https://h/team/v1":                          "https://h/team/v1/chat/completions",
		"https://h/team":                             "https://h/team/v1/chat/completions",
		"https://h/openai/v2/chat/completions":       "https://h/openai/v2/chat/completions",
		"http://127.0.0.1:8000/api/chat/completions": "http://127.0.0.1:8000/api/chat/completions",
	} {
		base, endpoint := Split(whole)
		l := Load{URLs: []string{base}, Endpoint: endpoint}
		if got := l.Target(base); got != want {
			t.Errorf("%s: requests go to %s, want %s", whole, got, want)
		}
		argv := l.Argv(1, "d")
		if at := slices.Index(argv, "--url"); argv[at+1]+argv[slices.Index(argv, "--endpoint")+1] != want {
			t.Errorf("%s: aiperf gets %q", whole, argv)
		}
	}
}

// A key is in no command line: every user of the machine can read that.
func TestC12TheKeyIsNoArgument(t *testing.T) {
	argv := Load{AIPerf: "/venv/bin/aiperf", Python: "/venv/bin/python"}.Argv(1, "d")
	if argv[0] != "/venv/bin/python" || argv[1] != "-c" || argv[3] != "/venv/bin/aiperf" || argv[4] != "profile" {
		t.Errorf("got %q", argv[:5])
	}
	if strings.Contains(strings.Join(argv[4:], " "), "Authorization") {
		t.Errorf("two keys: %q", argv[4:])
	}
	if !strings.Contains(argv[2], KeyVariable) {
		t.Errorf("nothing reads %s: %s", KeyVariable, argv[2])
	}
}

func TestNetworkIsAIPerfs(t *testing.T) {
	for text, want := range map[string]string{"": "tcp4", "4": "tcp4", "6": "tcp6", "auto": "tcp", "AUTO": "tcp"} {
		if got := Network([]string{"X=6", IPVersion + "=" + text}); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}
