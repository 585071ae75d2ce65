package deploy

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"topobench/internal/plan"
)

// RefusedError is an answer other than 200 to the load's own body. A repetition does not
// help after a 400.
type RefusedError struct {
	Status int
	Answer string
	Keyed  bool // the request had a key of the user
}

func (e *RefusedError) Error() string {
	text := fmt.Sprintf("HTTP %d: %s", e.Status, strings.TrimPrefix(e.Answer, strconv.Itoa(e.Status)+" "))
	if remedy := e.remedy(); remedy != "" {
		text += "\n  " + remedy
	}
	return text
}

// remedy is the next step, or "" where the answer itself has to show it.
func (e *RefusedError) remedy() string {
	switch {
	case e.keyRefused() && e.Keyed:
		return "the server refuses the key: correct the variable that --api-key-env names"
	case e.keyRefused():
		return "the server requires a key, and refuses the load's (perf.sh's is \"NOT USED\"): start it without " +
			"one, or name the variable that has it (perf --api-key-env NAME)"
	case e.noPage():
		return "the server has no such page: it is no OpenAI server, or serves completions below another path " +
			"(perf --url takes the whole one)"
	case e.redirects():
		return "name the address that it redirects to (perf --url takes the whole one), so that no redirect is measured"
	case e.Status == http.StatusRequestEntityTooLarge:
		return "the server, or a proxy before it, limits the size of a request: raise the limit (nginx: " +
			"client_max_body_size), or lower isl"
	case e.Status == http.StatusTooManyRequests:
		return "a limit of requests would be measured instead of the server: lift it, or measure behind it"
	}
	return ""
}

func (e *RefusedError) keyRefused() bool {
	return e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden
}

func (e *RefusedError) noPage() bool {
	return e.Status == http.StatusNotFound || e.Status == http.StatusMethodNotAllowed
}

func (e *RefusedError) redirects() bool { return e.Status/100 == 3 }

// denied reports whether no waiting changes an answer: the server requires a key, another address or a smaller
// body, or the other scheme. 404 is no such answer of our own servers: a Dynamo frontend gives it until its router
// has the model.
func denied(err error, s plan.Smoke) bool {
	e, refused := errors.AsType[*RefusedError](err)
	_, final := errors.AsType[*FinalError](err)
	return final || refused && (e.keyRefused() || e.redirects() || e.Status == http.StatusRequestEntityTooLarge ||
		e.noPage() && s.Absent > 0)
}
