package recovery

import (
	"errors"
	"fmt"
	"io/fs"

	"topobench/internal/artifacts"
	"topobench/internal/host/proc"
)

// widow removes the temporary directory of a run whose own directory somebody removed,
// and with it the ledger. That takes that no process of the run lives, by its mark and
// its open files: without a ledger nobody is ended. nil: somebody else has removed it.
func (c Cleaner) widow(l artifacts.Lead, f *Found) *Found {
	d, err := artifacts.Widow(l)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		_, f.Living = errors.AsType[*artifacts.LiveError](err)
		f.Unknown, f.Err = !f.Living, err
		return f
	}
	all, err := proc.Snapshot()
	of := proc.RunIdentity{Cookie: "TOPOBENCH_RUN=" + d.ID(), Dirs: []string{l.Run, l.Temp}}.Any(all)
	if len(of) > 0 {
		f.Left, err = of, fmt.Errorf("%s of it", live(len(of)))
	}
	if err != nil {
		f.Unknown = true
		f.Err = errors.Join(fmt.Errorf("cannot remove %s: its run's directory %s is gone, and %w", l.Temp, l.Run, err), d.Leave())
		return f
	}
	f.Gone, f.Temp = true, l.Temp
	if c.DryRun {
		f.Err = d.Leave()
	} else {
		f.Err = d.Close()
	}
	return f
}

func live(n int) string {
	if n == 1 {
		return "1 process lives"
	}
	return fmt.Sprintf("%d processes live", n)
}
