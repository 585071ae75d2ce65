package programs

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"topobench/internal/profile"
)

// commandProfile is a profile of engine command.
func commandProfile(t *testing.T, rest string) profile.Profile {
	t.Helper()
	text := "{name: a, kind: k, engine: command, model: org/m, aggregated: {}, command: {argv: [sv, '{port}']}, " + rest + "}"
	p, err := profile.Reader{}.Parse("p.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestTheProgramOfACommandMustBeHere(t *testing.T) {
	dir := t.TempDir()
	for name, mode := range map[string]os.FileMode{"sv": 0o755, "text": 0o644} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, mode); err != nil {
			t.Fatal(err)
		}
	}
	getenv := func(name string) string { return map[string]string{"PATH": "/nowhere:" + dir}[name] }
	for name, want := range map[string]string{
		"sv": "", dir + "/sv": "", "none": "p.yaml: cannot find none", "text": "cannot find text",
		dir + "/text": "is not executable", dir + "/none": "no such file",
	} {
		p := commandProfile(t, "")
		p.Command.Argv[0] = name
		err := CheckCommand(p, getenv)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
}

// The server finds its own model: nothing is fetched for it, and its interpreter is not Dynamo's.
func TestACommandNeedsNothingOfDynamoButTheFrontend(t *testing.T) {
	nothing := func(string) string { return "" }
	p := commandProfile(t, "")
	if _, fetched := ModelOf(p, nothing); fetched || CheckModel(p, nothing) != nil {
		t.Errorf("a model of the hub: %v", CheckModel(p, nothing))
	}
	if p.Model = "/no/such/directory"; CheckModel(p, nothing) == nil {
		t.Error("a directory that is not there is taken")
	}
	if need := Need(p); slices.Contains(need, Python) || slices.Contains(need, VLLM) {
		t.Errorf("needs %v", need)
	}
	behind := commandProfile(t, "frontend: {}")
	if need := Need(behind); !slices.Contains(need, Python) {
		t.Errorf("behind a frontend it needs %v", need)
	}
	bare := Chosen{Answers: map[Tool]Answer{Python: {Modules: []string{}}}}
	if err := Lacking(behind, bare); err == nil || !strings.Contains(err.Error(), "ai-dynamo") {
		t.Errorf("a frontend without dynamo: %v", err)
	}
}
