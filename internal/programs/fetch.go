package programs

import (
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"time"

	"topobench/internal/host"
	"topobench/internal/text"
)

// fetchModel is a Python program that downloads what an engine loads of a model, if the disk has the space.
//
//go:embed fetch.py
var fetchModel string

// lookWithin bounds the answer of the hub to Available: its client tries five times while a name does not resolve.
const lookWithin = 30 * time.Second

// Available fails if Fetch would: the hub does not list the model, or its files do not fit on the disk. It downloads
// nothing.
func (p Prober) Available(ctx context.Context, python string, m Model) error {
	p.Within = cmp.Or(p.Within, lookWithin)
	output, err := p.run(ctx, query{path: python, args: []string{"-c", fetchModel, m.ID, m.Revision, m.Weights,
		m.Format, "look"}})
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err == nil:
		return nil
	}
	output = strings.TrimSpace(output)
	text := fmt.Sprintf("model %s is not in the Hugging Face cache %s, and cannot be fetched: %s", m.ID, m.Hub,
		cmp.Or(exception(output), err.Error()))
	if hint := host.Hint(strings.Split(output, "\n")); hint != "" {
		text += "\n  " + hint
	}
	return errors.New(text)
}

// Fetch downloads a model with the huggingface_hub that the workers use. Its output goes to log; when that has not
// grown for p.Within, and p.Within is not 0, the download is stopped.
func (p Prober) Fetch(ctx context.Context, python string, m Model, log string) error {
	id := m.ID
	ctx, stop := p.whileGrowing(ctx, log)
	defer stop()
	_, exit, err := p.Starter.Run(ctx, host.Spec{Name: "fetch", Log: log, Env: p.Environ,
		Argv: []string{python, "-c", fetchModel, id, m.Revision, m.Weights, m.Format}})
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

// whileGrowing returns a context that ends when the file has not changed for p.Within: a stuck download shows no
// progress and may never end by itself.
func (p Prober) whileGrowing(ctx context.Context, file string) (context.Context, func()) {
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

// exceptionWidth is how many characters of an exception are shown: some carry a whole page.
const exceptionWidth = 300

// exception is the last exception of a Python program's output, in one line: its lines follow the last line of the
// traceback, which is indented. Without a traceback it is the last line.
func exception(output string) string {
	if !strings.Contains(output, "Traceback (most recent call last)") {
		return lastLine(output)
	}
	lines := strings.Split(strings.TrimSpace(output), "\n")
	from := len(lines) - 1
	for from > 0 && !strings.HasPrefix(lines[from-1], " ") {
		from--
	}
	return text.Ends(strings.Join(strings.Fields(strings.Join(lines[from:], " ")), " "), exceptionWidth)
}
