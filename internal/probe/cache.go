package probe

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"topobench/internal/text"
)

// entry is an answer and what it depends on: the time of the last change of each
// path in ns since 1970, 0 of one that is not there.
type entry struct {
	Answer
	Stamps map[string]int64 `json:"stamps"`
}

// holds reports whether nothing the answer depends on has changed.
func (e entry) holds() bool {
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

// recall looks only.
func (p Prober) recall(q question) (Answer, bool) {
	e, known := p.entries()[q.asked]
	if !known || !e.holds() {
		return Answer{}, false
	}
	return e.Answer, true
}

// entries are the answers by the path of what was asked. A cache that is damaged
// or not there has none: everything is asked again.
func (p Prober) entries() map[string]entry {
	all := map[string]entry{}
	data, err := os.ReadFile(p.Cache)
	if err != nil || json.Unmarshal(data, &all) != nil || all == nil {
		return map[string]entry{}
	}
	return all
}

// keep adds one answer and forgets programs that are gone. Of two at once the
// last one wins, and what it did not know is asked again.
func (p Prober) keep(path string, e entry) error {
	if p.Cache == "" {
		return nil
	}
	all := p.entries()
	for known := range all {
		if stamp(known) == 0 {
			delete(all, known)
		}
	}
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
