package cli_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// arrows says which of our packages each package may import; a package that is
// not here may not be. Effects import decisions, never the other way round.
func arrows() map[string][]string {
	everything := []string{"*"}
	return map[string][]string{
		"cmd/topobench": {"cli"},
		"cli":           everything, // but testbed; it wires the probes in
		"recovery":      {"host/proc", "artifacts", "journal"},
		"journal":       {"artifacts", "plan", "verdict", "host/gpu", "text"},
		"run": {"host/agent", "kube", "preflight", "plan", "profile", "script", "deploy", "aiperf", "monitor", "verdict", "frontier", "stats", "artifacts", "journal", "ui", "recovery",
			"host", "host/proc", "host/gpu", "slo", "text"},
		"kube":          {"aiperf", "host", "plan", "profile", "text"},
		"script":        {"plan", "aiperf", "artifacts", "text"},
		"deploy":        {"plan", "verdict", "host", "host/proc", "aiperf", "text"}, // the smoke test sends the load's body
		"monitor":       {"plan", "verdict", "artifacts", "host", "host/gpu", "host/proc"},
		"aiperf":        {"host", "host/proc", "slo", "text"},
		"plan":          {"profile", "artifacts", "aiperf", "templates", "text"}, // deployment_config.json has one definition
		"programs":      {"host", "profile", "text"},
		"preflight":     {"aiperf", "artifacts", "host", "host/gpu", "plan", "profile", "programs", "text"},
		"scripts":       nil, // shell scripts and pins
		"host":          {"host/shepherd", "host/proc", "host/gpu", "text"},
		"host/agent":    {"host", "host/proc", "text"},
		"host/ssh":      {"host/agent"},
		"host/slurm":    {"host", "host/agent", "text"},
		"host/gpu":      {"host/proc", "text"}, // whose a compute process is
		"host/shepherd": {"host/proc"},         // it kills the tree that it owns
		"report":        {"artifacts", "verdict", "frontier", "stats", "chart", "slo", "templates", "text"},
		"chart":         nil,
		"profile":       {"slo"},
		"verdict":       {"aiperf"},
		"frontier":      nil,
		"stats":         nil,
		"slo":           nil,
		"host/proc":     {"text"},
		"artifacts":     {"verdict", "aiperf", "text"}, // it reads cells back
		"ui":            {"text"},
		"text":          nil,
		"profiles":      nil,
		"templates":     nil,
		"e2e":           nil,        // tests of the whole
		"testbed":       everything, // for tests: nothing else imports it
		// The programs of the tests: fakes, children, the shepherd.
		"testbed/cmd": {"testbed", "host/shepherd"},
	}
}

// doors says through which packages a library is reached. A library that is not
// here has no door.
func doors() map[string][]string {
	return map[string][]string{
		"github.com/alecthomas/kong":         {"cli"},
		"github.com/go-cmd/cmd":              {"host"},
		"os/exec":                            {"host", "testbed"},
		"gopkg.in/yaml.v3":                   {"profile"},
		"github.com/wcharczuk/go-chart/v2":   {"chart"},
		"github.com/shirou/gopsutil/v3":      {"host", "host/proc"},
		"github.com/go-json-experiment/json": {"aiperf", "artifacts"},
		"gonum.org/v1/gonum":                 {"stats"},
		"golang.org/x/term":                  {"ui"},
		"golang.org/x/sync/errgroup":         {"deploy"},
		"golang.org/x/sys/unix":              {"run", "host/proc", "host/shepherd", "testbed", "testbed/cmd"},
	}
}

// source is a file that is part of the program.
type source struct {
	path, pkg string // relative to the repository; the package's name in arrows
	syntax    *ast.File
}

// sources parses every Go file that is no test, for all systems alike.
func sources(t *testing.T) []source {
	t.Helper()
	root := filepath.Join("..", "..")
	var all []source
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch name := d.Name(); {
		case err != nil:
			return err
		case d.IsDir() && path != root && (strings.HasPrefix(name, ".") || name == "testdata"):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		syntax, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		path, err = filepath.Rel(root, path)
		path = filepath.ToSlash(path)
		dir, _, _ := strings.Cut(path, "/"+d.Name())
		all = append(all, source{path, strings.TrimPrefix(dir, "internal/"), syntax})
		return err
	})
	if err != nil || len(all) < 50 {
		t.Fatalf("%d files: %v", len(all), err)
	}
	return all
}

func TestImportArrows(t *testing.T) {
	for _, s := range sources(t) {
		if _, known := arrows()[s.pkg]; !known {
			t.Errorf("%s: no arrow is drawn for the package %s", s.path, s.pkg)
			continue
		}
		for _, i := range s.syntax.Imports {
			path, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if fault := wrong(s.pkg, path); fault != "" {
				t.Errorf("%s: %s", s.path, fault)
			}
		}
	}
}

// wrong says what is wrong with an import, "" when nothing is.
func wrong(pkg, path string) string {
	if ours, ok := strings.CutPrefix(path, "topobench/"); ok {
		ours = strings.TrimPrefix(ours, "internal/")
		allowed := arrows()[pkg]
		if ours == "testbed" && pkg != "testbed/cmd" || !slices.Contains(allowed, "*") && !slices.Contains(allowed, ours) {
			return fmt.Sprintf("%s may not import %s", pkg, ours)
		}
		return ""
	}
	for library, through := range doors() {
		if (path == library || strings.HasPrefix(path, library+"/")) && !slices.Contains(through, pkg) {
			return fmt.Sprintf("%s is a second door to %s: the first is %s", pkg, library, strings.Join(through, ", "))
		}
		if path == library || strings.HasPrefix(path, library+"/") {
			return ""
		}
	}
	if host, _, _ := strings.Cut(path, "/"); strings.Contains(host, ".") {
		return "there is no door to " + path
	}
	return ""
}

func TestWrongArrowsAreSeen(t *testing.T) {
	for _, row := range []struct{ why, pkg, path, want string }{
		{"a decision may not import an effect", "plan", "topobench/internal/deploy", "may not"},
		{"nobody imports testbed", "cli", "topobench/internal/testbed", "may not"},
		{"a second door", "stack", "github.com/go-cmd/cmd", "second door"},
		{"a second door to a part of a library", "load", "github.com/shirou/gopsutil/v3/process", "second door"},
		{"os/exec is behind process", "ready", "os/exec", "second door"},
		{"a new library", "plan", "github.com/pkg/errors", "no door"},
		{"a drawn arrow", "plan", "topobench/internal/profile", ""},
		{"the door itself", "profile", "gopkg.in/yaml.v3", ""},
		{"the standard library", "plan", "encoding/json", ""},
	} {
		if got := wrong(row.pkg, row.path); (row.want == "") != (got == "") || !strings.Contains(got, row.want) {
			t.Errorf("%s: %q, want %q", row.why, got, row.want)
		}
	}
}

// Only main ends the process: elsewhere it would skip a teardown. The programs of the tests are
// processes of their own, and a test binary that acts as one ends as one.
func TestOnlyMainExits(t *testing.T) {
	for _, s := range sources(t) {
		if s.pkg == "cmd/topobench" || strings.HasPrefix(s.pkg, "testbed") {
			continue
		}
		ast.Inspect(s.syntax, func(n ast.Node) bool {
			if call, ok := n.(*ast.SelectorExpr); ok && call.Sel.Name == "Exit" {
				if of, ok := call.X.(*ast.Ident); ok && (of.Name == "os" || of.Name == "syscall") {
					t.Errorf("%s calls %s.Exit", s.path, of.Name)
				}
			}
			return true
		})
	}
}

// A permission that no package uses is an open door for a wrong import.
func TestEveryPermissionIsUsed(t *testing.T) {
	imported := map[string][]string{} // by package
	for _, s := range sources(t) {
		for _, i := range s.syntax.Imports {
			path, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if ours, ok := strings.CutPrefix(path, "topobench/"); ok {
				path = strings.TrimPrefix(ours, "internal/")
			}
			imported[s.pkg] = append(imported[s.pkg], path)
		}
	}
	faults := unused(arrows(), func(pkg, ours string) bool { return slices.Contains(imported[pkg], ours) })
	faults = append(faults, unused(doors(), func(library, pkg string) bool {
		return slices.ContainsFunc(imported[pkg], func(path string) bool {
			return path == library || strings.HasPrefix(path, library+"/")
		})
	})...)
	for _, fault := range faults {
		t.Error(fault)
	}
}

// unused lists the rows of a table whose permission is not used.
func unused(table map[string][]string, used func(key, value string) bool) (faults []string) {
	for key, values := range table {
		for _, value := range values {
			if value != "*" && !used(key, value) {
				faults = append(faults, fmt.Sprintf("no import needs the permission %s: %s", key, value))
			}
		}
	}
	return faults
}

func TestUnusedPermissionsAreSeen(t *testing.T) {
	table := map[string][]string{"plan": {"profile", "text"}, "cli": {"*"}}
	got := unused(table, func(pkg, ours string) bool { return pkg == "plan" && ours == "profile" })
	if want := "no import needs the permission plan: text"; len(got) != 1 || got[0] != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
