package profile

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// valid is the shortest profile; its five lines come before a row's own.
const valid = `name: a
kind: b
engine: vllm
model: m
aggregated: [{cuda_visible_devices: [0]}]
`

// atHome is a reader whose environment has a home directory only.
var atHome = Reader{Getenv: func(name string) string { return map[string]string{"HOME": "/home/someone"}[name] },
	Cache: "/home/someone/.cache/topobench"}

// row is a bad profile and its faults: where ("line:column", several separated by
// a space) and with which words. No other fault may be reported: no echoes.
type row struct {
	why, text, at string
	words         []string
}

func (r row) check(t *testing.T) {
	t.Helper()
	_, err := atHome.Parse("p.yaml", []byte(r.text))
	faults, ok := errors.AsType[Faults](err)
	if !ok {
		t.Fatalf("%s: error %v, want Faults", r.why, err)
	}
	var places []string
	for _, fault := range faults {
		places = append(places, fmt.Sprintf("%d:%d", fault.Line, fault.Column))
	}
	if got := strings.Join(places, " "); got != r.at {
		t.Errorf("%s: faults at %s, want %s\n%v", r.why, got, r.at, err)
	}
	for _, word := range r.words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%s: no %q in\n%v", r.why, word, err)
		}
	}
}

func checkRows(t *testing.T, rows []row) {
	t.Helper()
	for _, r := range rows {
		t.Run(r.why, func(t *testing.T) { r.check(t) })
	}
}

func mustParse(t *testing.T, text string) Profile {
	t.Helper()
	p, err := atHome.Parse("/etc/profiles/p.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func words(w ...string) []string { return w }
