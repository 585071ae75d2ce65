package probe

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"topobench/internal/host"
	"topobench/internal/text"
)

// Cached reports whether a model with an id such as Qwen/Qwen3-0.6B lies in the
// Hugging Face cache, where every worker will look: HF_HUB_CACHE, else HF_HOME,
// else ~/.cache/huggingface. A snapshot without config.json does not count.
func Cached(getenv func(string) string, id string) bool {
	hub := getenv("HF_HUB_CACHE")
	if home := getenv("HF_HOME"); hub == "" && home != "" {
		hub = filepath.Join(home, "hub")
	}
	if hub == "" {
		hub = filepath.Join(getenv("HOME"), ".cache", "huggingface", "hub")
	}
	folder := "models--" + strings.ReplaceAll(id, "/", "--")
	found, err := filepath.Glob(filepath.Join(escape(hub), folder, "snapshots", "*", "config.json"))
	return err == nil && len(found) > 0
}

// escape keeps Glob from reading a directory's own name as a pattern.
func escape(dir string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(dir)
}

// Interpreter is the Python that runs a program: itself, or what its first line names.
func (p Prober) Interpreter(path string) string {
	if python := interpreter(path, p.look); python != "" {
		return python
	}
	return path
}

// growing ends the context when the file has not changed for p.Within: a download that
// is stuck shows no progress, and may never end.
func (p Prober) growing(ctx context.Context, file string) (context.Context, func()) {
	if p.Within == 0 {
		return ctx, func() {}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		again := time.NewTicker(min(time.Second, p.Within/2))
		defer again.Stop()
		for last, since := int64(0), time.Now(); ; {
			select {
			case <-ctx.Done():
				return
			case <-again.C:
			}
			if now := stamp(file); now != last {
				last, since = now, time.Now()
			}
			if time.Since(since) > p.Within {
				cancel(fmt.Errorf("it has shown no progress for %s (timeouts.ready, --timeout-ready)", p.Within))
			}
		}
	}()
	return ctx, func() { cancel(nil) }
}

// Fetch downloads a model into the cache, once for all workers, with the
// huggingface_hub that they will use themselves. Its output goes to log; it is ended
// when that has not grown for p.Within, where that is set.
func (p Prober) Fetch(ctx context.Context, python, id, log string) error {
	ctx, stop := p.growing(ctx, log)
	defer stop()
	_, exit, err := p.Starter.Run(ctx, host.Spec{Name: "fetch", Log: log, Env: p.Environ,
		Argv: []string{python, "-c", "import sys, huggingface_hub; huggingface_hub.snapshot_download(sys.argv[1])", id}})
	if err != nil {
		return fmt.Errorf("cannot fetch model %s: %w", id, err)
	}
	if exit.Code == 0 {
		return nil
	}
	tail, err := text.Tail(log, 3)
	if err != nil {
		tail = []string{err.Error()}
	}
	message := fmt.Sprintf("cannot fetch model %s: %s\n    %s\n  log: %s", id, exit, strings.Join(tail, "\n    "), log)
	if hint := host.Hint(tail); hint != "" {
		message += "\n  " + hint
	}
	return errors.New(message)
}
