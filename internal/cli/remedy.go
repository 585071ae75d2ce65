package cli

import (
	"errors"
	"regexp"
	"slices"
	"strings"

	"topobench/internal/deploy"
	"topobench/internal/host"
	"topobench/internal/run"
	"topobench/internal/text"
	"topobench/internal/verdict"
)

// remedy is what has to change before a topology that failed can be measured; "" = it is unknown.
func remedy(t run.Topology) string {
	died, isDeath := errors.AsType[*host.DiedError](t.Err)
	late, isLate := errors.AsType[*deploy.NotReadyError](t.Err)
	switch {
	case isDeath:
		return died.Hint
	case t.Err != nil:
		advice := lastAdvice(t.Err)
		if isLate && advice == "" {
			advice = host.Hint(late.Hints)
		}
		return advice
	}
	for _, c := range t.Cells {
		if c.Verdict.State != verdict.Valid {
			return host.Hint(c.Verdict.Reasons)
		}
	}
	return ""
}

// lastAdvice is the last line of a message that is indented by two columns: the next step, where there is one. One with
// a colon at its end begins a list, such as the lines of a log.
func lastAdvice(err error) string {
	lines := strings.Split(err.Error(), "\n")
	for _, line := range slices.Backward(lines[1:]) {
		advice, indented := strings.CutPrefix(line, "  ")
		if indented && !strings.HasPrefix(advice, " ") && !strings.HasSuffix(advice, ":") {
			return text.Clean(advice)
		}
	}
	return ""
}

// ownFlag matches a flag of topobench in a remedy.
var ownFlag = regexp.MustCompile( // constant
	`(^|[ (])--(api-key-env|model|python|timeout-ready|tokenizer|url|vllm|wait-gpus)\b`)

// next is the next step: the remedy, then the command that repeats what failed. The command alone would fail again, and
// it is wrong itself if the remedy changes a flag.
func next(remedy, command string) string {
	switch {
	case remedy == "":
		return command
	case ownFlag.MatchString(remedy):
		return remedy
	}
	return remedy + "; then " + command
}
