package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"topobench/internal/preflight"
	"topobench/internal/recovery"
)

// The questions that the agent of another machine answers.
const (
	checksOf = "checks" // preflight.HostQuestion
	fetchOf  = "fetch"  // preflight.Fetch
	placesOf = "places" // places
	cleanOf  = "clean"  // cleaning
)

// inspection is a question to the agent of another machine.
type inspection struct {
	Kind     string          `json:"kind"`
	Question json.RawMessage `json:"question"`
}

// inspector puts one kind of questions to a machine.
type inspector struct {
	to   preflight.Inspector
	kind string
}

// Inspect returns the answer to a question.
func (a inspector) Inspect(ctx context.Context, question []byte) ([]byte, error) {
	data, err := json.Marshal(inspection{a.kind, question})
	if err != nil {
		return nil, err
	}
	return a.to.Inspect(ctx, data)
}

// cleaning is the question of clean --host, and its answer.
type cleaning struct {
	DryRun bool   `json:"dry_run"`
	Force  bool   `json:"force"`
	Output string `json:"output"`
	Error  string `json:"error"`
	Code   int    `json:"exit_code"`
}

// inspect answers a question about this machine, as its agent. own is the id of the agent's run.
func (e *Env) inspect(ctx context.Context, own string, question []byte) ([]byte, error) {
	var i inspection
	if err := json.Unmarshal(question, &i); err != nil {
		return nil, fmt.Errorf("cannot read the question: %w", err)
	}
	checks := e.complete(preflight.Request{})
	switch i.Kind {
	case checksOf:
		return reply(i, func(q preflight.HostQuestion) (any, error) { return checks.Answer(ctx, q), nil })
	case fetchOf:
		return reply(i, func(q preflight.Fetch) (any, error) { return struct{}{}, checks.Fetch(ctx, q) })
	case placesOf:
		return reply(i, func(q places) (any, error) { return taken(ctx, q), nil })
	case cleanOf:
		return reply(i, func(q cleaning) (any, error) { return e.clean(ctx, own, q), nil })
	}
	return nil, fmt.Errorf("there is no question %q", i.Kind)
}

// reply is the answer to a question of one kind.
func reply[Q any](i inspection, answer func(Q) (any, error)) ([]byte, error) {
	var q Q
	if err := json.Unmarshal(i.Question, &q); err != nil {
		return nil, fmt.Errorf("cannot read the question %q: %w", i.Kind, err)
	}
	a, err := answer(q)
	if err != nil {
		return nil, err
	}
	return json.Marshal(a)
}

// clean cleans this machine for a command on another one. It leaves the agent's own run alone.
func (e *Env) clean(ctx context.Context, own string, q cleaning) cleaning {
	temp, others := e.temps()
	var out bytes.Buffer
	var unlisted error
	if e.Getenv(tempVariable) == "" { // else runs are there, whatever the login
		var more []string
		more, unlisted = recovery.InUse()
		others = append(others, more...)
	}
	err := cleanAll(ctx, &out, recovery.Cleaner{Temp: temp, Temps: others, DryRun: q.DryRun, Force: q.Force,
		Except: own})
	err = errors.Join(err, unlisted)
	q.Output, q.Code = out.String(), exitCode(err)
	if err != nil {
		q.Error = err.Error()
	}
	return q
}
