#!/usr/bin/env bash
# Runs tests under the race detector in random order, and lists the skipped tests with the reasons, because an
# unnoticed skip looks like a pass. If the user is root, the tests that depend on permissions run once more as an
# ordinary user, because root passes every check of the kernel.
#
#   test.sh LOG [ARGUMENT...]    writes the whole output to LOG. The arguments are those of go test; the default
#                                is ./... and then, as an ordinary user, the tests below.
set -uo pipefail

log=$1
shift
ordinary=65534 # the user nobody
# The tests that depend on permissions: a package, a pattern of tests, and their flags. They are built without the
# race detector, which checks the same code as root.
permissions=(
	'host ^TestF2[68]'                  # limits: root may raise the limit of open files, and has none of processes
	'host/proc .'                       # files of /proc that are closed to others; a set-uid program; refused signals
	'host/gpu ^TestOwners|^TestF33'     # the owner of a compute process
	'deploy Port|Claim'                 # the process that listens on a port
	'artifacts .'                       # forbidden writes and removals; another user's runs
	'recovery .'                        # another user's runs, ledgers, temporary directories and shared memory
	'cli ^TestF72|^TestF5C'             # topobench itself: a read-only root, clean beside a run,
	'cli ^TestF5[057].*Phase$/^cell-2$' # a teardown by topobench, by the shepherds and by clean,
	'cli ^TestF57F59 -nemesis.runs=3'   # and all of them mixed
)

# brief prints the results of the tests only, and appends the whole output to the log.
brief() {
	tee -a "$log" | grep --line-buffered -E '^(ok|FAIL|panic|WARNING: DATA RACE)|^ *--- FAIL'
}

# as_user runs a command as the ordinary user.
as_user() {
	if command -v setpriv >/dev/null; then
		setpriv --reuid=$ordinary --regid=$ordinary --clear-groups -- "$@"
	else
		runuser -u "$(id -nu $ordinary)" -- "$@"
	fi
}

# as_ordinary_user runs the tests that depend on permissions, in a copy of the tree that the ordinary user can read.
# Root compiles them.
as_ordinary_user() {
	local row package tests flags begun failed=0
	mkdir "$place/tree" "$place/home" "$place/bin"
	tar -c --exclude=./.git --exclude=./.bin --exclude=./.demo . | tar -x -C "$place/tree"
	for row in "${permissions[@]}"; do echo "./internal/${row%% *}"; done | sort -u | xargs go test -trimpath -c -o "$place/bin/" || failed=1
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

# print_failed prints the output of failed tests, and output outside tests (a failed build, a panic, a race).
print_failed() {
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
# The plain program of internal/testbed, built once for all packages.
export TESTBED_PROGRAM=$place/child
go build -trimpath -o "$TESTBED_PROGRAM" ./internal/testbed/cmd || exit
# Without arguments the tests of internal/cli run a plain topobench, which takes half the CPU. "make test-race" runs
# them under the race detector.
if (($# == 0)); then
	export TESTBED_TOPOBENCH=$place/topobench
	go test -trimpath -c -o "$TESTBED_TOPOBENCH" ./internal/cli || exit
fi
# Most tests wait for processes, so more tests run at once than there are cores. With -trimpath a clone in another
# place takes what is compiled already.
go test -race -trimpath -shuffle=on -p $(($(nproc) + 1)) -parallel 8 -timeout 20m -v "${@:-./...}" 2>&1 | brief
code=${PIPESTATUS[0]}

not_run=
if (($# == 0 && EUID == 0)); then
	if command -v setpriv >/dev/null || command -v runuser >/dev/null; then
		as_ordinary_user | brief
		((PIPESTATUS[0] == 0)) || code=1
	else
		not_run="  all as an ordinary user: neither setpriv nor runuser is installed (util-linux)"
	fi
fi

if ((code != 0)); then
	echo "--- output of the failed tests (of all: $log)"
	print_failed
fi

# The reason is the last line that a test wrote. A "===" line names the test of the next lines.
skips=$(awk '
	/^=== /            { name = $3; next }
	/_test\.go:[0-9]+: / { sub(/^ */, ""); last[name] = $0; next }
	/^ *--- SKIP: /    { print "  " $3 ": " ($3 in last ? last[$3] : "NO REASON GIVEN") }
	/^(ok|FAIL)\t/     { delete last }' "$log"; [[ -z $not_run ]] || echo "$not_run")
echo "skipped tests: $(grep -c . <<<"$skips")"
[[ -z $skips ]] || echo "$skips"
if ((code != 0)); then
	echo "failed:" # repeated at the end of the output
	grep -hE '^ *--- FAIL: |^FAIL.' "$log"
fi
exit "$code"
