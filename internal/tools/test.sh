#!/usr/bin/env bash
# Runs every test under the race detector in random order, and lists what was skipped and why: a skip that
# nobody sees looks like a pass.
#
#   test.sh LOG [ARGUMENT...]    LOG gets the whole output; arguments of go test, by default ./...
set -uo pipefail

log=$1
shift
mkdir -p "$(dirname "$log")"
go test -race -shuffle=on -v "${@:-./...}" 2>&1 | tee "$log" |
	grep --line-buffered -E '^(ok|FAIL|panic|WARNING: DATA RACE)|^ *--- FAIL'
code=${PIPESTATUS[0]}

if ((code != 0)); then
	echo "--- the output of what failed (all of it: $log)"
	grep -vE '^ *(=== |--- (PASS|SKIP)|PASS$|-test.shuffle)|^ok|no test files' "$log"
fi

# The reason is the last line a test wrote; "===" lines say whose the next lines are.
skips=$(awk '
	/^=== /            { name = $3; next }
	/_test\.go:[0-9]+: / { sub(/^ */, ""); said[name] = $0; next }
	/^ *--- SKIP: /    { print "  " $3 ": " ($3 in said ? said[$3] : "NO REASON GIVEN") }
	/^(ok|FAIL)\t/     { delete said }' "$log")
echo "skipped tests: $(grep -c . <<<"$skips")"
[[ -z $skips ]] || echo "$skips"
exit "$code"
