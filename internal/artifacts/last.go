package artifacts

import (
	"cmp"
	"os"
	"slices"
	"strconv"
	"strings"

	"topobench/internal/aiperf"
	"topobench/internal/verdict"
)

// Last returns the valid cells of the newest artifacts_N of a root that has some and whose deployment matches, or nil.
// It reads the cells of no other, and skips what it cannot read.
func Last(root string, matches func(Deployment) bool) []Cell {
	entries, err := os.ReadDir(root)
	if err != nil {
		return nil
	}
	type numbered struct {
		name string
		n    uint64
	}
	var all []numbered
	for _, entry := range entries {
		digits, is := strings.CutPrefix(entry.Name(), "artifacts_")
		if n, err := strconv.ParseUint(digits, 10, 31); is && err == nil {
			all = append(all, numbered{entry.Name(), n})
		}
	}
	slices.SortFunc(all, func(a, b numbered) int { return cmp.Compare(b.n, a.n) })
	var exports aiperf.Reader
	for _, a := range all {
		cells, _ := topology(root, a.name)
		if len(cells) == 0 || !matches(cells[0].Deployment) {
			continue
		}
		for i := range cells {
			cells[i].read(&exports)
		}
		notValid := func(c Cell) bool { return c.Err != nil || c.Verdict.State != verdict.Valid }
		if cells = slices.DeleteFunc(cells, notValid); len(cells) > 0 {
			return cells
		}
	}
	return nil
}
