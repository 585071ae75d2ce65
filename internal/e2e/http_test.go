package e2e_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"topobench/internal/deploy"
)

// client keeps no connection: the test must not hold a port that is to be free.
func client() *http.Client {
	return &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
}

// ask sends a request and returns the answer; one that is not 200 is an error.
func ask(method, url, body string) (string, error) {
	request, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := client().Do(request)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: %s: %s", method, url, answer.Status, text)
	}
	return string(text), err
}

// complete asks for four tokens.
func complete(url string) error {
	_, err := ask(http.MethodPost, url+"/v1/chat/completions", `{"model": "tiny", "max_tokens": 4, "messages": [{"role": "user", "content": "hello"}]}`)
	return err
}

// counter is a metric of a worker's generate endpoint; 0 while it cannot be read.
func (f fixture) counter(port int, metric string) float64 {
	text, err := ask(http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d/metrics", port), "")
	if err != nil {
		return 0
	}
	return deploy.Count(text, metric)
}

// awaitUp waits until up has said that the topology serves on that port.
func (r *running) awaitUp(port int) {
	r.Helper()
	r.await("the topology is up", func() bool {
		return strings.Contains(r.output(), fmt.Sprintf("is up: http://127.0.0.1:%d", port))
	})
}
