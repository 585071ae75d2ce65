package deploy

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"time"

	"topobench/internal/aiperf"
	"topobench/internal/plan"
)

const (
	smokePause = 100 * time.Millisecond
	// slowRound is longer than a first completion without compilation usually takes.
	slowRound = 10 * time.Second
)

// Smoke streams completions with the load's own headers and body, to each URL that the load
// will use, at the address that aiperf takes, until every worker's request counter has
// moved. One round sends as many at once as the largest role has workers. It returns a 400 at
// once as *RefusedError. A decode worker that goes on serving without a transfer from prefill
// is an error that names it.
func (p Prober) Smoke(ctx context.Context, s plan.Smoke, l aiperf.Load, note func(string)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, s.Deadline, fmt.Errorf("no proof within %s: kernels may "+
		"be compiled in the first completion; raise timeouts.ready", s.Deadline))
	defer cancel()
	if err := p.served(ctx, s.Direct, s, l, note); err != nil {
		return err
	}
	return p.served(ctx, s.URLs, s, l, note)
}

// served sends rounds to addresses until every counter has moved.
func (p Prober) served(ctx context.Context, urls []string, s plan.Smoke, l aiperf.Load, note func(string)) error {
	if len(urls) == 0 {
		return nil
	}
	began := time.Now()
	for denials, uncounted := 0, 0; ; {
		slow := time.AfterFunc(slowRound, func() {
			note("under way for 10 s: kernels may be compiled")
		})
		err := p.others(ctx, urls, s, l, began)
		if err == nil {
			err = p.round(ctx, urls, s, l)
		}
		slow.Stop()
		refused, is := errors.AsType[*RefusedError](err)
		if is && refused.Status == http.StatusBadRequest {
			return refused
		}
		if denials++; !denied(err, s) {
			denials = 0
		}
		if denials == required {
			return err
		}
		idle, unread := p.awaitCounters(ctx, s.Counters)
		if uncounted++; err != nil || unread == nil || len(idle) < len(s.Counters) {
			uncounted = 0
		}
		if uncounted == required {
			return fmt.Errorf("completions are served, and no worker counts them: %w\n  correct the metric "+
				"(command.requests), or remove it", unread)
		}
		if err == nil {
			err = p.awaitTransfers(ctx, s.Transfers, idle)
		}
		if err != nil && ctx.Err() == nil && time.Since(began) > s.Patience {
			return err
		}
		if err == nil && len(idle) == 0 {
			return nil
		}
		note(smokeState(err, idle))
		select {
		case <-ctx.Done():
			state, cause := smokeState(err, idle), context.Cause(ctx)
			if strings.Contains(state, cause.Error()) { // the request itself was cut off
				return cause
			}
			return fmt.Errorf("%s: %w", state, cause)
		case <-time.After(smokePause):
		}
	}
}

func smokeState(err error, idle []string) string {
	if err != nil {
		return err.Error()
	}
	return "served no request yet: " + strings.Join(idle, ", ")
}

// round sends completions, all at once, to the addresses in turn, and returns the first
// error.
func (p Prober) round(ctx context.Context, urls []string, s plan.Smoke, l aiperf.Load) error {
	n := max(len(urls), s.Round)
	results := make(chan error, n)
	for i := range n {
		go func() {
			url := urls[i%len(urls)]
			results <- OnHost(workerAt(url, s.Counters), p.complete(ctx, url, l))
		}()
	}
	var first error
	for range n {
		if err := <-results; err != nil && first == nil {
			first = fmt.Errorf("a completion fails: %w", err)
		}
	}
	return first
}

// workerAt is the title of the worker on another machine that serves a base URL itself; "" = none.
func workerAt(url string, workers []plan.Counter) string {
	for _, c := range workers {
		if c.Host != "" && strings.HasPrefix(c.URL, url+"/") {
			return counted(c)
		}
	}
	return ""
}

// complete streams one completion to its end; it must carry text.
func (p Prober) complete(ctx context.Context, url string, l aiperf.Load) error {
	body, err := l.Body(prompt(l.ISL))
	if err != nil {
		return err
	}
	resp, err := p.send(ctx, http.MethodPost, l.Target(url), body, l)
	if err != nil {
		return cmp.Or(p.otherScheme(ctx, l.Target(url), err), err)
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusBadRequest && !strings.HasPrefix(url, "https:") {
		if err := p.overTLS(ctx, l.Target(url)); err != nil {
			return err
		}
	}
	if resp.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(io.LimitReader(resp.Body, bodyLimit)) // a broken answer is shown as far as it came
		answer := readable(string(body))
		if to, err := resp.Location(); err == nil && resp.StatusCode/100 == 3 {
			answer = "the server redirects to " + to.Redacted()
		}
		return &RefusedError{Status: resp.StatusCode, Answer: answer, Keyed: p.key != ""}
	}
	return readStream(resp.Body)
}

// send sends a request with the load's headers to the address that aiperf takes.
func (p Prober) send(ctx context.Context, method, url string, body []byte, l aiperf.Load) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	for _, header := range l.Headers() {
		name, value, _ := strings.Cut(header, ": ")
		req.Header.Set(name, value)
	}
	if p.key != "" {
		req.Header.Set("Authorization", "Bearer "+p.key)
	}
	// No time limit of its own: the first completion may compile kernels, and the caller's
	// context ends it.
	dial := func(ctx context.Context, _, address string) (net.Conn, error) {
		return p.dial(ctx, cmp.Or(p.network, aiperf.Network(nil)), address)
	}
	streamer := &http.Client{
		Transport:     &http.Transport{Proxy: nil, DisableKeepAlives: true, DialContext: dial},
		CheckRedirect: noRedirect,
	}
	return streamer.Do(req)
}

func readStream(r io.Reader) error {
	chunks, done := 0, false
	page := "" // HTML or JSON in place of events
	lines := bufio.NewScanner(io.LimitReader(r, 64<<20))
	lines.Buffer(make([]byte, 64<<10), bodyLimit)
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data:")
		data = strings.TrimPrefix(data, " ") // the blank is optional in server-sent events
		switch {
		case !ok && (page != "" || strings.HasPrefix(data, "<") || strings.HasPrefix(data, "{")):
			page += data[:min(len(data), max(0, answerWidth*8-len(page)))]
		case !ok:
		case data == "[DONE]":
			done = true
		case carriesText(data):
			chunks++
		case strings.Contains(data, `"error"`):
			return fmt.Errorf("the stream carries an error: %s", readable(data))
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("the stream broke off: %w", err)
	}
	if page != "" && !done && chunks == 0 {
		return &FinalError{"the answer is no stream of events: " + readable(page), "the load streams: the server " +
			"and each gateway before it must answer with text/event-stream"}
	}
	if !done || chunks == 0 {
		return fmt.Errorf("the stream ended with %d chunks of text and done=%t", chunks, done)
	}
	return nil
}

// carriesText is false for vLLM's first chunk, whose content is empty. With a reasoning
// parser the text of the reasoning has one of two other names.
func carriesText(data string) bool {
	var chunk struct {
		Choices []struct {
			Delta struct {
				Content   string
				Reasoning string
				Thoughts  string `json:"reasoning_content"`
			}
		}
	}
	if json.Unmarshal([]byte(data), &chunk) != nil || len(chunk.Choices) == 0 {
		return false
	}
	delta := chunk.Choices[0].Delta
	return delta.Content+delta.Reasoning+delta.Thoughts != ""
}

// prompt is isl common words in random order, so that no prefix cache has it. Common
// words are about one token each in every tokenizer.
func prompt(isl int) string {
	words := strings.Fields("the of and to in is was for on that by this with from at his an were are which have or " +
		"had one not been has their more who can if")
	text := make([]string, isl)
	for i := range text {
		text[i] = words[rand.IntN(len(words))]
	}
	return strings.Join(text, " ")
}
