package programs

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"topobench/internal/text"
)

// ProbesName is the name of the file of cached answers. Variables that change which packages Python finds have a file
// of their own, because its answers are keyed by interpreter alone.
func ProbesName(environ []string) string {
	sum := fnv.New32a()
	for _, kv := range environ {
		if name, _, _ := strings.Cut(kv, "="); slices.Contains(finders(), name) {
			fmt.Fprintln(sum, kv)
		}
	}
	if sum.Sum32() == fnv.New32a().Sum32() {
		return "probes.json"
	}
	return fmt.Sprintf("probes-%08x.json", sum.Sum32())
}

// finders are the variables that change which packages Python finds.
func finders() []string {
	return []string{"PYTHONPATH", "PYTHONHOME", "PYTHONUSERBASE", "PYTHONNOUSERSITE"}
}

// entry is a cached answer and the files it depends on: path to time of the last change in ns since 1970, 0 for a
// path that does not exist.
type entry struct {
	Answer
	Stamps map[string]int64 `json:"stamps"`
}

// current reports whether nothing that the answer depends on has changed.
func (e entry) current() bool {
	for path, at := range e.Stamps {
		if stamp(path) != at {
			return false
		}
	}
	return len(e.Stamps) > 0
}

func stamp(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.ModTime().UnixNano()
}

// recall reads the cache only.
func (p Prober) recall(q query) (Answer, bool) {
	if e := p.entries()[q.path]; e.current() {
		return e.Answer, true
	}
	return Answer{}, false
}

// entries are the answers by the path of the probed program. A cache that is damaged or missing has none, and
// every program is probed again.
func (p Prober) entries() map[string]entry {
	all := map[string]entry{}
	data, err := os.ReadFile(p.Cache)
	if err != nil || json.Unmarshal(data, &all) != nil || all == nil {
		return map[string]entry{}
	}
	return all
}

// store adds one answer and drops programs that are gone. The last of two concurrent writers wins; the other's
// program is probed again.
func (p Prober) store(path string, e entry) error {
	if p.Cache == "" {
		return nil
	}
	all := p.entries()
	maps.DeleteFunc(all, func(known string, _ entry) bool { return stamp(known) == 0 })
	all[path] = e
	data, err := json.MarshalIndent(all, "", " ")
	if err == nil {
		err = os.MkdirAll(filepath.Dir(p.Cache), 0o755)
	}
	if err == nil {
		err = text.WriteFile(p.Cache, data, 0o600)
	}
	if err != nil {
		return fmt.Errorf("cannot keep the versions of %s for the next time: %w", path, err)
	}
	return nil
}
