#!/usr/bin/env bash
# Runs every test under the race detector in random order, and lists what was skipped and why: a skip that
# nobody sees looks like a pass. As root, what has to do with processes runs once more as an ordinary user:
# what root may do hides what others may not.
#
#   test.sh LOG [ARGUMENT...]    LOG gets the whole output; arguments of go test, by default ./...
#                                and then, as an ordinary user, the packages below
set -uo pipefail

log=$1
shift
ordinary=65534 # nobody
packages=(host host/shepherd host/proc deploy artifacts recovery host/gpu aiperf monitor run cli)

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

# once_more runs the packages in a copy of the tree that an ordinary user can read; root compiles them.
once_more() {
	local package what begun failed=0
	place=$(mktemp -d)
	trap 'rm -rf "$place"' EXIT # of the subshell that a pipe makes of this
	mkdir "$place/tree" "$place/home"
	tar -c --exclude=./.git --exclude=./.bin --exclude=./.demo . | tar -x -C "$place/tree"
	for package in "${packages[@]}"; do
		go test -race -c -o "$place/${package//\//-}.test" "./internal/$package" || failed=1
	done
	chown -R $ordinary:$ordinary "$place"
	for package in "${packages[@]}"; do
		what=.
		[[ $package != cli ]] || what='^TestF[57]' # topobench itself: signals, kills, clean, the nemesis, files that may not be written
		begun=$SECONDS
		if (cd "$place/tree/internal/$package" && HOME=$place/home TMPDIR=/tmp as_user "$place/${package//\//-}.test" -test.run "$what" -test.v -test.short -test.shuffle=on) 2>&1; then
			printf 'ok\tinternal/%s as user %s\t%ss\n' "$package" $ordinary $((SECONDS - begun))
		else
			printf 'FAIL\tinternal/%s as user %s\n' "$package" $ordinary
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
