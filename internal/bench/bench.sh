#!/usr/bin/env bash
# Measures the cost of topobench itself, against the tools that it replaces. Each ratio comes from one interleaved
# run, so that a temporary load slows down both sides. No other program should run meanwhile.
#
#   bench.sh [run|exact|plot|small|logs]...    default: all five
#
#   run     topobench run of both demos against by-hand.sh, and topobench's own share; RUNS=2 of each
#   exact   the same with perf.sh's own aiperf flags on both sides (load.exact in the profiles)
#   plot    topobench plot of 1,000 cells against pandas and matplotlib; PLOTS=7 of each
#   small   the same with 8 cells
#   logs    the memory of topobench while its children write 1 GiB of logs
#
# `make bench` installs the programs and runs all five.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
[[ ${XDG_CACHE_HOME-} == /* ]] || XDG_CACHE_HOME=$HOME/.cache
python=${TOPOBENCH_CACHE:-$XDG_CACHE_HOME/topobench}/bench-1/bin/python
recorded=internal/aiperf/testdata/artifacts_root
export LC_ALL=C # a decimal point in numbers
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# timed NAME COMMAND...: adds the wall seconds to $work/NAME.times, and writes the output to $work/NAME.out.
timed() {
	local name=$1 begin end
	shift
	begin=$EPOCHREALTIME
	"$@" >"$work/$name.out" 2>&1 || {
		cat "$work/$name.out" >&2
		echo "bench: cannot time $name: it failed" >&2
		exit 1
	}
	end=$EPOCHREALTIME
	awk -v a="$begin" -v b="$end" 'BEGIN {printf "%.3f\n", b - a}' >>"$work/$name.times"
}

# stats NAME: prints the minimum and the median of the seconds, and their number.
stats() {
	sort -n "$work/$1.times" | awk '{t[NR] = $1} END {print t[1], (t[int((NR + 1) / 2)] + t[int(NR / 2) + 1]) / 2, NR}'
}

# line NAME COMMAND: prints the seconds of one side, and the command that repeats it.
line() {
	local minimum median n
	read -r minimum median n < <(stats "$1")
	printf '  %-10s min %7.3f s  median %7.3f s  n=%-3d %s\n' "$1" "$minimum" "$median" "$n" "$2"
}

# ratio NAME OTHER: prints the ratios of the minima and of the medians; below 1 NAME is faster.
ratio() {
	echo "$(stats "$1") $(stats "$2")" | awk '{printf "  ratio      min %7.3f    median %7.3f\n", $1 / $4, $2 / $5}'
}

# runs PROFILE...: runs the profiles and by-hand.sh in turn.
runs() {
	local n root
	for ((n = 1; n <= ${RUNS:-2}; n++)); do
		root=$(mktemp -d "$work/run-XXXX")
		timed topobench .bin/topobench run "$@" --verbose --artifacts-root-dir "$root"
		sed -n '/^ *seconds /,/^$/p' "$work/topobench.out" >>"$work/own"
		timed by-hand internal/bench/by-hand.sh "$root/hand"
	done
	line topobench ".bin/topobench run $* --verbose --artifacts-root-dir DIR"
	line by-hand "internal/bench/by-hand.sh DIR"
	ratio topobench by-hand
	echo "topobench's own share of each topology: the last column of the table that run prints"
	sed 's/^/  /' "$work/own"
	rm "$work/own"
}

exact() {
	local name
	for name in demo-disagg demo-agg; do
		sed 's/^load: {/load: {exact: true, /' "profiles/$name.yaml" >"$work/$name.yaml"
	done
	echo "measuring both demos with perf.sh's own flags: topobench run against the work by hand"
	runs "$work/demo-disagg.yaml" "$work/demo-agg.yaml"
}

# plots CELLS: times both sides on a tree in the page cache, without the first run of each.
plots() {
	local tree=$work/tree n
	echo "drawing $1 cells: topobench plot against pandas, matplotlib and seaborn"
	python3 internal/bench/make_tree.py $recorded "$tree" "$1"
	for ((n = 0; n <= ${PLOTS:-7}; n++)); do
		((n != 1)) || rm "$work"/{topobench,upstream}.times
		timed topobench .bin/topobench plot --artifacts-root-dir "$tree" --out "$work"
		timed upstream env -C "$work" "$python" "$PWD/internal/bench/plot_like_upstream.py" --artifacts-root-dir "$tree"
	done
	line topobench ".bin/topobench plot --artifacts-root-dir TREE --out DIR"
	line upstream "$python internal/bench/plot_like_upstream.py --artifacts-root-dir TREE"
	ratio topobench upstream
	echo "  TREE       python3 internal/bench/make_tree.py $recorded TREE $1"
	rm -rf "$tree"
}

logs() {
	echo "memory while four children write 1 GiB of logs: the peak of the process that started them"
	go test -run '^$' -bench BenchmarkLogs -benchtime 1x ./internal/host/ >"$work/logs.out"
	awk '/^BenchmarkLogs/ {for (i = 3; i < NF; i += 2) value[$(i+1)] = $i}
		END {if (!("more-MiB" in value)) exit 1
			printf "  topobench  %s MiB, %s more than before   ", value["peak-MiB"], value["more-MiB"]}' "$work/logs.out"
	echo "go test -run '^$' -bench BenchmarkLogs -benchtime 1x ./internal/host/"
}

(($# > 0)) || set -- run exact plot small logs
for part; do
	rm -f "$work"/*.times
	case $part in
	run)
		echo "measuring both demos: topobench run against the work by hand"
		runs demo-disagg demo-agg
		;;
	exact) exact ;;
	plot) plots 1000 ;;
	small) plots 8 ;;
	logs) logs ;;
	*) echo "bench: cannot measure $part: choose among run, exact, plot, small, logs" >&2 && exit 2 ;;
	esac
	echo
done
