package run

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"topobench/internal/deploy"
	"topobench/internal/host"
	"topobench/internal/journal"
	"topobench/internal/plan"
)

const (
	// fetchWithin bounds the copy of all logs of a launch.
	fetchWithin = 5 * time.Minute
	// halfLog is how many bytes of the begin of a log are copied, and how many of its end.
	halfLog = 32 << 20
)

// fetchLogs copies the logs of services on other machines to logs/ in the directory of the launch: their own are
// removed at the end of the run.
func (r *Runner) fetchLogs(p plan.Plan) {
	if len(p.Hosts) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Force), fetchWithin)
	defer cancel()
	defer context.AfterFunc(r.Force, cancel)()
	err := os.MkdirAll(logsOf(p), 0o700)
	if err == nil {
		err = each(p.Hosts, func(_ int, h plan.Host) error { return r.fetchFrom(ctx, p, h) })
	}
	if err != nil {
		r.Screen.Note(fmt.Sprintf("%s: logs were not copied: %v", p.Name, err))
		r.disk.recorded(err)
	}
}

// logsOf has the copies of logs of other machines.
func logsOf(p plan.Plan) string { return filepath.Join(p.Dirs[0], "logs") }

// CopyOfLog is the copy of the log of a service on another machine.
func CopyOfLog(p plan.Plan, s plan.Service) string { return filepath.Join(logsOf(p), s.Name+".log") }

// fetchFrom copies the logs of one machine.
func (r *Runner) fetchFrom(ctx context.Context, p plan.Plan, h plan.Host) (err error) {
	remote, is := r.Remotes[h.Name]
	if !is || remote.Context().Err() != nil {
		return nil // the teardown has reported it
	}
	for _, s := range p.Services {
		if s.Host != h.Name {
			continue
		}
		to := CopyOfLog(p, s)
		cut, fault := fetchLog(ctx, remote, s.Log, to, halfLog)
		if errors.Is(fault, fs.ErrNotExist) {
			continue // it did not start
		}
		note := journal.LogFetched{Service: s.Name, Host: h.Name, Log: to, Cut: cut}
		if fault != nil {
			note.Error = fault.Error()
			err = errors.Join(err, fmt.Errorf("%s: %s: %w", h.Name, s.Name, fault))
		}
		if cut {
			r.Screen.Note(fmt.Sprintf("%s: the log of %s is longer than %d MiB: its middle was not copied to %s",
				h.Name, s.Name, 2*halfLog>>20, to))
		}
		r.Journal.Note(note)
	}
	return err
}

// fetchLog copies a log of a service that has ended. Of one that has more than twice half bytes it copies half at the
// begin and half at the end; cut reports that.
func fetchLog(ctx context.Context, h deploy.Host, from, to string, half int64) (cut bool, err error) {
	if _, err := h.Get(ctx, from, 0, 0); err != nil { // a log that is missing has no copy
		return false, err
	}
	f, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := host.Copy(ctx, f, h, from, 0, 2*half); err != nil {
		return false, err
	}
	more, err := h.Get(ctx, from, 2*half, 1)
	if err != nil || len(more) == 0 {
		return false, err
	}
	if _, err = f.Seek(half, io.SeekStart); err == nil {
		err = f.Truncate(half)
	}
	if err == nil {
		_, err = io.WriteString(f, "\n[topobench left out the middle of this log]\n")
	}
	if err != nil {
		return true, err
	}
	return true, host.Copy(ctx, f, h, from, -half, half)
}
