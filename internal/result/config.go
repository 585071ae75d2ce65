package result

import (
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// errorGroup reads one element of error_summary:
// {"error_details": {"code", "type", "message"}, "count"}.
func (e *export) errorGroup() error {
	var g ErrorGroup
	err := e.members(func(key string) (err error) {
		switch key {
		case "count":
			g.Count, err = e.count()
		case "error_details":
			err = e.members(func(key string) error { return e.errorDetail(&g, key) })
		default:
			err = e.skip()
		}
		return err
	})
	e.m.Errors = append(e.m.Errors, g)
	return err
}

// errorDetail reads one key of error_details; a failure without an answer has
// no code, or null.
func (e *export) errorDetail(g *ErrorGroup, key string) (err error) {
	switch key {
	case "code":
		g.Code, err = e.count()
	case "type":
		g.Type, err = e.text()
	case "message":
		g.Message, err = e.text()
	default:
		err = e.skip()
	}
	return err
}

// config reads one key of input_config. aiperf 0.1 to 0.8 has the load in loadgen and input; 0.9 and
// later have it in phases, endpoint and datasets.
func (e *export) config(key string) error {
	switch key {
	case "loadgen":
		return e.members(e.loadgen)
	case "phases":
		return e.array(e.phase)
	case "input", "endpoint":
		return e.members(e.prompts)
	case "datasets":
		return e.array(func() error { return e.members(e.prompts) })
	}
	return e.skip()
}

// prompts reads the keys that decide the prompts and the request body.
func (e *export) prompts(key string) error {
	if key != "random_seed" && key != "extra" {
		return e.skip()
	}
	value, err := e.dec.ReadValue()
	if err != nil {
		return e.syntax(err)
	}
	if key == "extra" {
		e.m.Extra = extraInputs(value)
	} else if seed, err := strconv.Atoi(string(value)); err == nil { // an unusual seed does not spoil an export
		e.m.Seed = &seed
	}
	return nil
}

// ExtraInputs is the planned extra inputs as Measurement.Extra has those of an export.
func (l Load) ExtraInputs() string {
	var texts []string
	for _, extra := range l.Extra {
		if strings.HasPrefix(extra, "{") {
			extra = extraInputs(jsontext.Value(extra))
		}
		texts = append(texts, extra)
	}
	slices.Sort(texts)
	return strings.Join(texts, ", ")
}

// extraInputs writes extra inputs as "key:value, key:value", sorted: aiperf 0.1 to 0.8 has them as a list
// of pairs, later ones as an object. Other shapes stay as they are.
func extraInputs(value jsontext.Value) string {
	var object map[string]jsontext.Value
	var pairs [][2]jsontext.Value
	if json.Unmarshal(value, &object) != nil && json.Unmarshal(value, &pairs) != nil {
		return string(value)
	}
	var texts []string
	for key, v := range object {
		texts = append(texts, key+":"+compact(v))
	}
	for _, pair := range pairs {
		texts = append(texts, strings.Trim(string(pair[0]), `"`)+":"+compact(pair[1]))
	}
	slices.Sort(texts)
	return strings.Join(texts, ", ")
}

func compact(v jsontext.Value) string {
	if err := v.Canonicalize(); err != nil { // 1.50e1 and 15 are one number
		return string(v)
	}
	return string(v)
}

func (e *export) loadgen(key string) error {
	switch key {
	case "request_count":
		return e.asked(&e.m.Requests)
	case "warmup_request_count":
		return e.asked(&e.m.Warmup)
	case "concurrency":
		return e.asked(&e.m.Concurrency)
	}
	return e.skip()
}

// phase reads one element of phases. Its kind came with 0.13; its name is
// there from 0.9. Further phases of the same name add up.
func (e *export) phase() error {
	var name string
	var requests, concurrency int
	err := e.members(func(key string) (err error) {
		switch key {
		case "name":
			name, err = e.text()
		case "requests":
			err = e.asked(&requests)
		case "concurrency":
			err = e.asked(&concurrency)
		default:
			err = e.skip()
		}
		return err
	})
	switch name {
	case "warmup":
		e.m.Warmup += requests
	case "profiling":
		e.m.Requests += requests
		e.m.Concurrency = concurrency
	}
	return err
}

// asked reads a number of input_config. A list (a sweep) or null stays unknown.
func (e *export) asked(n *int) (err error) {
	if e.dec.PeekKind() != '0' {
		return e.skip()
	}
	*n, err = e.count()
	return err
}
