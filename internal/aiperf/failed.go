package aiperf

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Failed returns the causes of a cell's failed requests, from its profile_export.jsonl. If
// every request fails, aiperf writes no export, and only the records have the causes. "" means
// no failed request. An incomplete last line is no error.
func Failed(jsonl string) (string, error) {
	file, _, err := open(jsonl)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer file.Close()
	var groups []ErrorGroup
	lines := jsontext.NewDecoder(file)
	for {
		var line struct {
			Error *struct {
				Code    int    `json:"code"`
				Type    string `json:"type"`
				Message string `json:"message"`
			} `json:"error"`
		}
		err := json.UnmarshalDecode(lines, &line)
		if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
			return sentence(groups), nil
		}
		if err != nil {
			return sentence(groups), fmt.Errorf("%s: %w", jsonl, err)
		}
		if e := line.Error; e != nil {
			groups = tally(groups, ErrorGroup{Code: e.Code, Type: e.Type, Message: e.Message})
		}
	}
}

// tally adds e to the group of its code and type, and keeps the group's first message.
func tally(groups []ErrorGroup, e ErrorGroup) []ErrorGroup {
	for i, g := range groups {
		if g.Code == e.Code && g.Type == e.Type {
			groups[i].Count++
			return groups
		}
	}
	e.Count = 1
	return append(groups, e)
}

const messageWidth = 160 // characters of a server's message

func sentence(groups []ErrorGroup) string {
	slices.SortStableFunc(groups, func(a, b ErrorGroup) int { return b.Count - a.Count })
	var causes []string
	for _, g := range groups {
		message := strings.Join(strings.Fields(fmt.Sprintf("%+q", g.Message)), " ")
		if len(message) > messageWidth {
			message = message[:messageWidth] + "…"
		}
		causes = append(causes, fmt.Sprintf("%d x %s (%s)", g.Count, g.Label(), message))
	}
	if len(causes) == 0 {
		return ""
	}
	return "requests failed: " + strings.Join(causes, ", ")
}

// Label is the cause in a few words, without the server's message.
func (g ErrorGroup) Label() string {
	// Quoting removes control characters, because the text goes to a terminal.
	kind := strings.Trim(strconv.Quote(g.Type), `"`)
	switch {
	case g.Code != 0:
		return strings.TrimSpace(fmt.Sprintf("%d %s", g.Code, kind))
	case kind != "":
		return kind
	}
	return "an error without a type"
}
