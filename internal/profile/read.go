package profile

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
)

// builtIn begins the source of a profile that is not a file.
const builtIn = "built-in "

// Reader reads profiles.
type Reader struct {
	Getenv func(string) string // looks HOME up
	Set    []string            // KEY=VALUE, over the keys of the file: decode.tensor_parallel=2
	Cache  string              // replaces ${CACHE}; "" = unknown
}

// Load reads the profile at path. The error is Faults, or the failure to read the file.
func (r Reader) Load(path string) (Profile, error) {
	file, err := os.Open(path)
	if err != nil {
		return Profile{}, fmt.Errorf(
			"cannot read the profile: %w (\"topobench profiles\" lists the built-in ones)", err)
	}
	defer file.Close() // opened for reading: nothing can be lost here
	data, err := io.ReadAll(io.LimitReader(file, maxBytes+1))
	if err != nil {
		return Profile{}, fmt.Errorf("cannot read the profile: %w", err)
	}
	return r.Parse(path, data)
}

// Parse reads a profile from data. Source is the file's path, against whose directory relative paths are resolved, or
// "built-in NAME": then they are resolved against the working directory. The error is Faults; the profile then has its
// name only.
func (r Reader) Parse(source string, data []byte) (Profile, error) {
	root, fault := parse(data)
	if fault != nil {
		fault.Source = source
		return Profile{}, Faults{*fault}
	}
	d := &decoder{source: source, left: maxValues, at: map[string]position{}, bad: map[string]bool{}}
	d.lint(root)
	d.settings(r.Set)
	p := Defaults()
	p.Source, p.Text = source, string(data)
	d.value("", root, reflect.ValueOf(&p).Elem(), "")
	d.unused(p)
	p.fill()
	d.expand(&p)
	var problems []problem
	if !d.bad[""] { // else there is nothing to check
		problems = append(check(p), r.resolve(&p, base(source))...)
	}
	if faults := d.finish(problems); len(faults) > 0 {
		return Profile{Name: p.Name}, faults
	}
	d.placeConfigs(&p)
	d.placeKeys(&p)
	return p, nil
}

// base is the directory that relative paths start from.
func base(source string) string {
	if strings.HasPrefix(source, builtIn) {
		return ""
	}
	return filepath.Dir(source)
}
