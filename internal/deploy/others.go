package deploy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"time"

	"topobench/internal/aiperf"
	"topobench/internal/plan"
)

// others is the FinalError of servers of others, which should be up: none has to be awaited. One that lists models and
// not the one of the load, answers some other deployment's numbers. Completions judge a server without a list.
func (p Prober) others(ctx context.Context, urls []string, s plan.Smoke, l aiperf.Load, began time.Time) error {
	if s.Absent == 0 {
		return nil
	}
	for _, url := range urls {
		listed, err := p.models(ctx, l.Models(url), l)
		switch {
		case unreachable(err) && time.Since(began) >= s.Absent:
			return &FinalError{fmt.Sprintf("no server answers at %s: %v", url, err),
				"start the server, or correct --url; a server in a container needs its port published"}
		case unreachable(err):
			return err
		case len(listed) > 0 && !slices.Contains(listed, l.Model):
			return &FinalError{fmt.Sprintf("%s lists %s, not %s", l.Models(url), strings.Join(listed, ", "), l.Model),
				"name the model that is served (--model " + listed[0] + "), with its tokenizer (--tokenizer), or " +
					"correct --url"}
		}
	}
	return nil
}

// models are those that a server lists. An error is a fault of the connection; an answer that is no list has none.
func (p Prober) models(ctx context.Context, url string, l aiperf.Load) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, probeWithin)
	defer cancel()
	resp, err := p.send(ctx, http.MethodGet, url, nil, l)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, bodyLimit))
	if err != nil || resp.StatusCode != http.StatusOK {
		return nil, nil
	}
	listed, err := parseModels(body)
	if err != nil {
		return nil, nil
	}
	return listed, nil
}

// unreachable reports that nothing listens at an address, or that there is no such address.
func unreachable(err error) bool {
	name, isName := errors.AsType[*net.DNSError](err)
	return isName && name.IsNotFound || errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.EHOSTUNREACH) ||
		errors.Is(err, syscall.ENETUNREACH)
}
