package artifacts

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"topobench/internal/aiperf"
)

// Tree reads all cells of an artifacts root, ours or upstream's: every
// profile_export_aiperf.json below artifacts_N/…-concurrencyC. It skips hidden directories
// and aiperf's own phases/. A cell without a usable export has Err. Cells are sorted by N, C
// and path. The errors name the skipped paths, and do not make the cells wrong. With only,
// such as "artifacts_3", Tree reads no other directory.
func Tree(root string, only ...string) ([]Cell, []error) {
	entries, err := os.ReadDir(root)
	if err != nil {
		return nil, []error{fmt.Errorf("cannot read artifacts: %w", err)}
	}
	var names []string
	for _, entry := range entries {
		name := entry.Name()
		if strings.HasPrefix(name, "artifacts_") && (len(only) == 0 || slices.Contains(only, name)) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil, []error{fmt.Errorf("cannot find a result: %s has no artifacts_N directory;"+
			" name the directory that perf.sh or topobench run wrote", root)}
	}
	found, errs := make([][]Cell, len(names)), make([][]error, len(names))
	parallel(len(names), func(_ *aiperf.Reader, i int) { found[i], errs[i] = topology(root, names[i]) })
	cells := slices.Concat(found...)
	slices.SortFunc(cells, func(a, b Cell) int {
		return cmp.Or(cmp.Compare(a.N, b.N), cmp.Compare(a.Concurrency, b.Concurrency), cmp.Compare(a.Path, b.Path))
	})
	parallel(len(cells), func(exports *aiperf.Reader, i int) { cells[i].read(exports) })
	return cells, slices.Concat(errs...)
}

// topology lists the cells of one artifacts_N without reading them.
func topology(root, name string) ([]Cell, []error) {
	dir := filepath.Join(root, name)
	n, err := strconv.ParseUint(strings.TrimPrefix(name, "artifacts_"), 10, 31)
	if err != nil {
		return nil, []error{fmt.Errorf("skipped %s: its name does not end in a number", dir)}
	}
	deployment, err := ReadDeployment(filepath.Join(dir, DeploymentName))
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("it has no %s", DeploymentName)
	}
	var gpus int
	if err == nil {
		gpus, err = deployment.GPUs()
	}
	if err != nil {
		return nil, []error{fmt.Errorf("skipped %s: %w", dir, err)}
	}
	paths, skipped := exports(dir)
	if err := deployment.addFacts(dir); err != nil {
		skipped = append(skipped, fmt.Errorf("compared without its provenance: %w", err))
	}
	var cells []Cell
	for _, path := range paths {
		c, err := concurrency(path)
		if err != nil {
			skipped = append(skipped, fmt.Errorf("skipped %s: %w", filepath.Join(dir, path), err))
			continue
		}
		cells = append(cells, Cell{Artifacts: name, N: int(n), Concurrency: c,
			Path: filepath.Join(dir, path), Deployment: deployment, GPUs: gpus})
	}
	return cells, skipped
}

// exports lists the exports below dir, relative to it. A -concurrencyC directory without one
// gets the path that its export would have.
func exports(dir string) (paths []string, skipped []error) {
	empty := map[string]bool{} // cells without an export so far
	// DirFS follows dir itself if it is a link, and returns paths relative to it.
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			skipped = append(skipped, fmt.Errorf("skipped %s: %w", filepath.Join(dir, path), err))
			return fs.SkipDir
		case entry.IsDir() && path != "." && (entry.Name() == "phases" || entry.Name()[0] == '.'):
			return fs.SkipDir
		case entry.IsDir() && cellName.MatchString(entry.Name()):
			empty[path] = true
		case entry.Type()&fs.ModeSymlink != 0 && cellName.MatchString(entry.Name()):
			const why = "skipped %s: it is a link, and only a linked artifacts_N or export is followed"
			skipped = append(skipped, fmt.Errorf(why, filepath.Join(dir, path)))
		case !entry.IsDir() && entry.Name() == aiperf.ExportName:
			paths = append(paths, path)
			for up := filepath.Dir(path); up != "."; up = filepath.Dir(up) {
				delete(empty, up)
			}
		}
		return nil
	})
	if err != nil {
		skipped = append(skipped, fmt.Errorf("skipped %s: %w", dir, err))
	}
	for cell := range empty {
		paths = append(paths, filepath.Join(cell, aiperf.ExportName))
	}
	return paths, skipped
}

// cellName matches the directory of a cell, as perf.sh and aiperf name it.
var cellName = regexp.MustCompile(`-concurrency(\d+)`)

// concurrency returns the C of a path. The path is relative to artifacts_N, because a
// directory above may contain -concurrencyC too.
func concurrency(path string) (int, error) {
	found := cellName.FindAllStringSubmatch(path, -1)
	if len(found) != 1 {
		return 0, fmt.Errorf("its path names %d concurrencies, not one (-concurrencyC)", len(found))
	}
	c, err := strconv.Atoi(found[0][1])
	if err != nil || c == 0 {
		return 0, fmt.Errorf("%s is not a concurrency", found[0][1])
	}
	return c, nil
}

// parallel calls do for each i from 0 to n-1, as many at once as there are processors, each
// of them with a reader of its own.
func parallel(n int, do func(exports *aiperf.Reader, i int)) {
	var taken atomic.Int64
	var all sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		all.Go(func() {
			var exports aiperf.Reader
			for i := int(taken.Add(1)); i <= n; i = int(taken.Add(1)) {
				do(&exports, i-1)
			}
		})
	}
	all.Wait()
}
