package aiperf

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"topobench/internal/host"
)

// Copy is where this machine keeps the files of an aiperf that runs on another one. The zero Copy means that it runs
// on this machine.
type Copy struct {
	Dir string // an empty directory
	Log string
}

// Limits of the copy of a cell's files.
const (
	fetchWithin = 10 * time.Minute
	failWithin  = 30 * time.Second // of a cell without numbers: its files only explain that
	sumsLimit   = 1 << 20          // bytes of output that a short command may have
)

// sumsScript prints the sum of each file of a directory, and then that of a log, whose name is "-". An inputs.json of
// more than 1 MiB repeats every prompt, and is left there, since no published cell has it.
const sumsScript = `cd "$1" && find . -type f ! \( -name inputs.json -size +2048 \) -exec sha256sum {} + && ` +
	`sha256sum < "$2"`

// fetched copies the files of a cell to this machine. Without them the cell has a problem, and no numbers.
func (j Job) fetched(ctx context.Context, on Machine, o Outcome) Outcome {
	within := fetchWithin
	if o.Problem != "" {
		within = failWithin
	}
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), within, fmt.Errorf("no end within %v", within))
	defer cancel()
	defer context.AfterFunc(j.Force, cancel)()
	err := j.fetch(ctx, on)
	if err == nil {
		return o
	}
	fault := fmt.Sprintf("the files of aiperf could not be copied from its machine: %v", err)
	if o.Problem != "" {
		fault = o.Problem + "; " + fault
	}
	o.Problem = fault
	return o
}

// fetch copies all files, or none: they appear together, once each is equal to the sum that was made there.
func (j Job) fetch(ctx context.Context, on Machine) error {
	sums, err := j.sums(ctx, on)
	if err != nil {
		return err
	}
	part := Copy{j.Copy.Dir + ".part", j.Copy.Log + ".part"}
	err = part.fill(ctx, on, j, sums)
	for _, step := range []func() error{
		func() error { return os.Rename(part.Log, j.Copy.Log) },
		func() error { return os.Remove(j.Copy.Dir) }, // it is empty
		func() error { return os.Rename(part.Dir, j.Copy.Dir) },
	} {
		if err == nil {
			err = step()
		}
	}
	if err != nil {
		err = errors.Join(err, os.RemoveAll(part.Dir), os.RemoveAll(part.Log))
	}
	return err
}

// sums are those of the files by their paths in the directory of aiperf; that of its log has the name "-".
func (j Job) sums(ctx context.Context, on Machine) (map[string]string, error) {
	argv := []string{"/bin/sh", "-c", sumsScript, "sh", j.Dir, j.Log}
	output, exit, err := on.Run(ctx, host.Spec{Name: "sha256sum", Argv: argv, Env: j.Env, Log: j.Log + ".sums",
		Grace: time.Second})
	if err == nil && exit.Code != 0 {
		err = fmt.Errorf("%s: %s", exit, strings.TrimSpace(string(output)))
	}
	if err != nil {
		return nil, fmt.Errorf("cannot make their sums: %w", err)
	}
	return parseSums(string(output))
}

// parseSums reads the output of sumsScript, which has to be complete.
func parseSums(output string) (map[string]string, error) {
	if len(output) >= sumsLimit || !strings.HasSuffix(output, "  -\n") {
		return nil, errors.New("the list of their sums is not complete")
	}
	sums := map[string]string{}
	for line := range strings.Lines(output) {
		sum, path, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		raw, err := hex.DecodeString(sum)
		if err != nil || len(raw) != sha256.Size || !filepath.IsLocal(path) {
			return nil, fmt.Errorf("cannot read a line of their sums: %q", line)
		}
		sums[path] = sum
	}
	return sums, nil
}

// fill copies the files of a job to new places.
func (c Copy) fill(ctx context.Context, on Machine, j Job, sums map[string]string) error {
	if err := os.Mkdir(c.Dir, 0o700); err != nil {
		return err
	}
	for path, sum := range sums {
		from, to := filepath.Join(j.Dir, path), filepath.Join(c.Dir, path)
		if path == "-" {
			from, to = j.Log, c.Log
		}
		err := os.MkdirAll(filepath.Dir(to), 0o755)
		if err == nil {
			err = fetchFile(ctx, on, from, to, sum)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// fetchFile copies a file. It fails if the copy has another sum than the file.
func fetchFile(ctx context.Context, on Machine, from, to, sum string) (err error) {
	f, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	whole := sha256.New()
	if err := host.Copy(ctx, io.MultiWriter(f, whole), on, from, 0, math.MaxInt64); err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(from), err)
	}
	if got := hex.EncodeToString(whole.Sum(nil)); got != sum {
		return fmt.Errorf("%s: the copy has the SHA-256 %s, and the file there %s", filepath.Base(from), got, sum)
	}
	return nil
}
