package host

import (
	"context"
	"io"
	"net/http"
	"sync"
	"time"
)

// pageWithin is how long a page may take.
const pageWithin = 5 * time.Second

// Page is an answer over HTTP.
type Page struct {
	Code  int
	Text  []byte // at most 1 MiB
	Fault string // why there is no answer
}

// pages gets all pages at the same time.
func (l Local) pages(ctx context.Context, urls []string) map[string]Page {
	client := l.Client
	if client == nil {
		client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // without the proxy of the environment
	}
	answers := make([]Page, len(urls))
	var all sync.WaitGroup
	for i, url := range urls {
		all.Go(func() { answers[i] = get(ctx, client, url) })
	}
	all.Wait()
	found := map[string]Page{}
	for i, url := range urls {
		found[url] = answers[i]
	}
	return found
}

func get(ctx context.Context, client *http.Client, url string) Page {
	fail := func(err error) Page { return Page{Fault: err.Error()} }
	ctx, cancel := context.WithTimeout(ctx, pageWithin)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fail(err)
	}
	response, err := client.Do(request)
	if err != nil {
		return fail(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, outputBytes))
	if err != nil {
		return fail(err)
	}
	return Page{Code: response.StatusCode, Text: body}
}
