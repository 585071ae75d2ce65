package profile

import (
	"strings"
	"testing"
)

// A resolved profile has the settings of the command line and the defaults.
func TestResolvedProfileHasEveryKey(t *testing.T) {
	r := Reader{Set: []string{"load.osl=7"}}
	p, err := r.Parse("/etc/profiles/p.yaml", []byte(valid))
	if err != nil {
		t.Fatal(err)
	}
	text, err := Resolved(p)
	if err != nil || p.Text != valid {
		t.Fatalf("%v; the text is %q", err, p.Text)
	}
	for _, part := range []string{"osl: 7", "isl: 3000", "ready: 30m0s"} {
		if !strings.Contains(text, part) {
			t.Errorf("it lacks %q:\n%s", part, text)
		}
	}
}
