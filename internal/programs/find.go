package programs

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Search is where to look, strongest first: flags, profile, environment, then PATH and the cache.
type Search struct {
	Flags, Profile Paths
	Getenv         func(string) string // looks up TOPOBENCH_*, CacheDir's variables and PATH
	Engine         string              // of the profile: it decides whether PATH or the cache comes first
	Away           bool                // another machine runs aiperf
}

// Find returns the place of each needed tool. The map lacks the tools that were not found; the error joins a
// *NotFoundError or *UnusableError for each.
func (s Search) Find(need ...Tool) (map[Tool]Found, error) {
	all := make(map[Tool]Found, len(need))
	var faults []error
	for _, t := range need {
		candidates, err := s.candidates(t)
		if err == nil {
			all[t] = candidates[0]
		}
		faults = append(faults, err)
	}
	return all, errors.Join(faults...)
}

// candidates are the places that have a tool, best first: one without an error.
func (s Search) candidates(t Tool) ([]Found, error) {
	variable := t.Variable()
	for _, given := range []struct{ source, name, path string }{
		{"flag", "--" + string(t), s.Flags.Of(t)},
		{"profile", "the profile's key " + string(t), s.Profile.Of(t)},
		{"environment", variable, s.Getenv(variable)},
	} {
		if given.path == "" {
			continue
		}
		path, err := executable(given.path)
		if err != nil {
			return nil, &UnusableError{Tool: t, Named: given.name, Cause: err,
				InCache: within(CacheDir(s.Getenv), given.path)}
		}
		return []Found{{Path: path, Source: given.source}}, nil
	}
	return s.usualPlaces(t)
}

// pathFirst are the engines of nodes and containers, which have programs of their own on PATH.
func pathFirst(engine string) bool {
	return slices.Contains([]string{"vllm", "dynamo", "command"}, engine)
}

// usualPlaces tries PATH and the cache. The error has what was found at each.
func (s Search) usualPlaces(t Tool) ([]Found, error) {
	place := placeOf(t)
	missing := &NotFoundError{Tool: t, Install: place.install}
	var all []Found
	if path, err := cached(CacheDir(s.Getenv), place); err == nil {
		all = append(all, Found{Path: path, Source: "cache"})
	} else {
		missing.Looked = append(missing.Looked, "cache: "+err.Error())
	}
	// Debian installs servers in /usr/sbin, which is on root's PATH only.
	if path := onPath(append(filepath.SplitList(s.Getenv("PATH")), "/usr/sbin"), place.name); path != "" {
		all = append(all, Found{Path: path, Source: "PATH"})
	}
	if len(all) == 0 {
		missing.Looked = append(missing.Looked, fmt.Sprintf("PATH: no %s in %s", place.name, s.Getenv("PATH")))
		return nil, missing
	}
	if pathFirst(s.Engine) {
		slices.Reverse(all)
	}
	return all, nil
}

// cached returns the tool in the cache, if setup.sh finished it.
func cached(dir string, p place) (string, error) {
	switch {
	case p.cached == "":
		return "", errors.New("this program is never installed in the cache")
	case dir == "":
		return "", errors.New("its directory is unknown; set TOPOBENCH_CACHE or HOME")
	}
	path, err := executable(filepath.Join(dir, p.cached))
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(filepath.Join(dir, p.mark)); err != nil {
		return "", fmt.Errorf("%s: its set-up was not finished: %w", path, err)
	}
	return path, nil
}

// onPath returns the program in the first directory that has it, or "". It skips directories that are relative: the
// result must not depend on the working directory.
func onPath(dirs []string, name string) string {
	for _, dir := range dirs {
		if path, err := executable(filepath.Join(dir, name)); err == nil && filepath.IsAbs(dir) {
			return path
		}
	}
	return ""
}

// executable returns the absolute form of path if an executable file is there.
func executable(path string) (string, error) {
	path, err := filepath.Abs(path) // children run in directories of their own
	if err != nil {
		return "", err
	}
	info, err := os.Stat(path)
	cause, known := errors.AsType[*fs.PathError](err)
	switch {
	case known:
		return "", fmt.Errorf("%s: %w", path, cause.Err)
	case err != nil:
		return "", err
	case info.IsDir():
		return "", fmt.Errorf("%s: is a directory", path)
	case info.Mode().Perm()&0o111 == 0:
		return "", fmt.Errorf("%s: is not executable", path)
	}
	return path, nil
}

// within reports whether path is below dir; nothing is below "".
func within(dir, path string) bool {
	return dir != "" && strings.HasPrefix(path, dir+string(filepath.Separator))
}

// UnusableError is a path that a flag, a profile or a variable names and that cannot be run.
type UnusableError struct {
	Tool    Tool
	Named   string // the flag, key or variable: "--nginx", "TOPOBENCH_NGINX" ...
	Cause   error  // begins with the absolute path
	InCache bool   // the path is in the tool cache, where setup.sh may not have installed it yet
}

func (e *UnusableError) Error() string {
	next := "correct the path, or omit it to search the cache and PATH"
	if e.InCache {
		next = "make engines installs vLLM for the CPU in the cache, make tools the rest"
	}
	return fmt.Sprintf("cannot use the %s that %s names: %v; %s", e.Tool, e.Named, e.Cause, next)
}

func (e *UnusableError) Unwrap() error { return e.Cause }

// NotFoundError is a tool that is not named and is in none of the usual places.
type NotFoundError struct {
	Tool    Tool
	Looked  []string // one line for each place: the fault there
	Install string   // command that installs it
}

func (e *NotFoundError) Error() string {
	return fmt.Sprintf("cannot find %[1]s: --%[1]s, the profile's key %[1]s and %[2]s do not name it\n"+
		"  %[3]s\n  to install it: %[4]s",
		e.Tool, e.Tool.Variable(), strings.Join(e.Looked, "\n  "), e.Install)
}
