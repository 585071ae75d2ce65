package deploy

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// FinalError is an answer that no waiting changes, with the next step.
type FinalError struct{ Answer, Remedy string }

func (e *FinalError) Error() string { return e.Answer + "\n  " + e.Remedy }

// final is the FinalError of a status, or nil for one that may still change. own is that the command and the paths of
// the server are the profile's.
func final(url string, status int, own bool) error {
	answer := fmt.Sprintf("GET %s: %d", url, status)
	key, page := "remove --api-key from engine_args and VLLM_API_KEY from env",
		"--root-path, --headless or a task other than generate in engine_args moves or removes it"
	if own {
		key, page = "remove it from command.argv and env", "correct command.health or command.models"
	}
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return &FinalError{answer, "the server requires a key, which no probe sends: " + key}
	case http.StatusNotFound:
		return &FinalError{answer, "the server has no such page: " + page + ", or another program answers on this port"}
	}
	return nil
}

// overTLS is the FinalError of a server that expects HTTPS, or nil. Such a server answers a
// plain request with a TLS alert, with 400, or by closing the connection.
func (p Prober) overTLS(ctx context.Context, address string) error {
	parsed, err := url.Parse(address)
	if err != nil {
		return nil // the request has reported it
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	conn, err := p.dial(ctx, "tcp", parsed.Host)
	if err != nil {
		return nil
	}
	defer conn.Close() // no data was sent
	config := &tls.Config{ServerName: parsed.Hostname(), InsecureSkipVerify: true}
	if tls.Client(conn, config).HandshakeContext(ctx) != nil {
		return nil
	}
	return &FinalError{address + ": the server speaks HTTPS, and the load uses HTTP",
		"remove the --ssl-* arguments from engine_args, or write https:// in --url of perf"}
}

// otherScheme is the FinalError of a server that expects the other one of HTTP and HTTPS, or nil.
func (p Prober) otherScheme(ctx context.Context, address string, err error) error {
	late := net.Error(nil)
	switch {
	case strings.Contains(err.Error(), "first record does not look like a TLS handshake"), // crypto/tls
		strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"): // net/http
		return &FinalError{"POST " + address + ": the server speaks HTTP, and the load uses HTTPS",
			"write http:// in --url"}
	case errors.Is(err, syscall.ECONNREFUSED), errors.As(err, &late) && late.Timeout(), ctx.Err() != nil,
		strings.HasPrefix(address, "https:"):
		return nil
	}
	return p.overTLS(ctx, address)
}

// finals counts equal FinalErrors in a row.
type finals struct {
	last  string
	count int
}

// add reports whether err is the third equal FinalError in a row: a server may answer
// otherwise for a moment while it starts.
func (f *finals) add(err error) bool {
	e, is := errors.AsType[*FinalError](err)
	switch {
	case !is:
		*f = finals{}
	case e.Answer == f.last:
		f.count++
	default:
		*f = finals{last: e.Answer, count: 1}
	}
	return f.count >= required
}
