#!/usr/bin/env bash
# Runs tests under the race detector in random order, and lists what was skipped and why: a skip that nobody
# sees looks like a pass. As root, what depends on permissions runs once more as an ordinary user: what root
# may do hides what others may not.
#
#   test.sh LOG [ARGUMENT...]    LOG gets the whole output; arguments of go test, by default ./...
#                                and then, as an ordinary user, the tests below
set -uo pipefail

log=$1
shift
ordinary=65534 # nobody
# What depends on permissions: a package, its tests that match, and their flags. The race detector has looked
# at the same code as root, and these are built without it.
permissions=(
	'host ^TestF2[68]'                 # limits: root may raise the one on open files, and none on processes binds it
	'host/proc .'                          # what /proc hides of other users; a set-uid program; signals that are refused
	'host/gpu ^TestOwners|^TestF33'            # whose a compute process is
	'deploy Port|Claim'                    # who listens on a port
	'artifacts .'                            # what may not be written or removed; another user's runs
	'recovery .'                          # another user's runs, ledgers, temporary directories and shared memory
	'cli ^TestF72|^TestF5C'               # topobench itself: roots that may not be written, clean beside a run,
	'cli ^TestF5[057].*Phase$/^cell-2$'   # the teardown, the shepherds' and clean's, each once,
	'cli ^TestF57F59 -nemesis.runs=3'     # and all of them mixed
)

# brief shows of a test's output what one waits for, and keeps all of it.
brief() {
	tee -a "$log" | grep --line-buffered -E '^(ok|FAIL|panic|WARNING: DATA RACE)|^ *--- FAIL'
}

# as_user runs a command as an ordinary user, where this system has a way to.
as_user() {
	if command -v setpriv >/dev/null; then
		setpriv --reuid=$ordinary --regid=$ordinary --clear-groups -- "$@"
	else
		runuser -u "$(id -nu $ordinary)" -- "$@"
	fi
}

# once_more runs what depends on permissions in a copy of the tree that an ordinary user can read; root
# compiles it.
once_more() {
	local row package tests flags begun failed=0
	mkdir "$place/tree" "$place/home" "$place/bin"
	tar -c --exclude=./.git --exclude=./.bin --exclude=./.demo . | tar -x -C "$place/tree"
	for row in "${permissions[@]}"; do echo "./internal/${row%% *}"; done | sort -u | xargs go test -c -o "$place/bin/" || failed=1
	chown -R $ordinary:$ordinary "$place/tree" "$place/home"
	for row in "${permissions[@]}"; do
		read -r package tests flags <<<"$row"
		begun=$SECONDS
		if (cd "$place/tree/internal/$package" && HOME=$place/home TMPDIR=/tmp \
			as_user "$place/bin/${package##*/}.test" -test.run "$tests" -test.v -test.shuffle=on ${flags:+"$flags"}) 2>&1; then
			printf 'ok\tinternal/%s %s as user %s\t%ss\n' "$package" "$tests" $ordinary $((SECONDS - begun))
		else
			printf 'FAIL\tinternal/%s %s as user %s\n' "$package" "$tests" $ordinary
			failed=1
		fi
	done
	return $failed
}

# of_the_failed prints what failed tests wrote, and what no test wrote (a failed build, a panic, a race).
of_the_failed() {
	awk '
		NR == FNR                  { if (/^ *--- FAIL: /) failed[$3]; next }
		/^=== /                    { name = $3; next }
		/^ *--- (PASS|SKIP): /     { name = $3; next }
		/^ *--- FAIL: /            { name = $3 }
		/^(ok|PASS|FAIL)/          { name = "" }
		/^(ok|PASS|-test.shuffle)|no test files/ { next }
		name == "" || name in failed || /^(panic|fatal error|WARNING: DATA RACE)/' "$log" "$log"
}

mkdir -p "$(dirname "$log")"
: >"$log"
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
chmod 755 "$place"
# The programs that tests start beside topobench, once for all packages: see internal/testbed.
export TESTBED_PROGRAM=$place/child
go build -trimpath -o "$TESTBED_PROGRAM" ./internal/testbed/cmd || exit
# Most tests wait for processes, so more of them run at once than there are cores.
go test -race -shuffle=on -parallel 4 -timeout 20m -v "${@:-./...}" 2>&1 | brief
code=${PIPESTATUS[0]}

left_out=
if (($# == 0 && EUID == 0)); then
	if command -v setpriv >/dev/null || command -v runuser >/dev/null; then
		once_more | brief
		((PIPESTATUS[0] == 0)) || code=1
	else
		left_out="  all as an ordinary user: neither setpriv nor runuser is there (util-linux)"
	fi
fi

if ((code != 0)); then
	echo "--- what failed wrote (the output of all: $log)"
	of_the_failed
fi

# The reason is the last line a test wrote; "===" lines say whose the next lines are.
skips=$(awk '
	/^=== /            { name = $3; next }
	/_test\.go:[0-9]+: / { sub(/^ */, ""); said[name] = $0; next }
	/^ *--- SKIP: /    { print "  " $3 ": " ($3 in said ? said[$3] : "NO REASON GIVEN") }
	/^(ok|FAIL)\t/     { delete said }' "$log"; [[ -z $left_out ]] || echo "$left_out")
echo "skipped tests: $(grep -c . <<<"$skips")"
[[ -z $skips ]] || echo "$skips"
if ((code != 0)); then
	echo "failed:" # once more, where one looks first
	grep -hE '^ *--- FAIL: |^FAIL.' "$log"
fi
exit "$code"
