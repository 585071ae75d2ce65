
# ==== Helpers ====
pids=() # of process groups, one for each service, so that stop finds a service's children too

# matches NAME PATTERN...: the name fits one of the patterns.
matches() {
  local name=$1 pattern
  shift
  for pattern in "$@"; do
    if [[ $name == $pattern ]]; then return 0; fi
  done
  return 1
}

drop=()          # options of env(1) that remove variables of the caller
drop_services=() # further ones, which aiperf receives
for name in $(compgen -e); do
  if matches "$name" "${dropped[@]}" && ! matches "$name" "${kept[@]}"; then
    drop+=(-u "$name")
  elif matches "$name" "${only_aiperf[@]}"; then
    drop_services+=(-u "$name")
  fi
done

# start NAME VARIABLE=value ... COMMAND: starts a service, its output in $dir/logs/NAME.log.
# Options of env(1) may precede the variables.
start() {
  local name=$1
  shift
  set -m
  env "${drop[@]}" "${drop_services[@]}" "${common[@]}" env "$@" \
    </dev/null >>"$dir/logs/$name.log" 2>&1 &
  set +m
  pids+=($!)
}

# wait_for NAME CONDITION ...: waits until a condition holds, as long as every service runs.
wait_for() {
  local what=$1 pid
  shift
  until "$@" >/dev/null 2>&1; do
    for pid in "${pids[@]}"; do
      if ! kill -0 "$pid" 2>/dev/null; then
        echo "a process died while waiting for $what: see the logs" >&2
        exit 1
      fi
    done
    sleep 0.2
  done
  echo "ready: $what"
}

# Conditions.
responds() { curl -fsS --noproxy '*' "$1"; }
contains() { curl -sS --noproxy '*' "$1" | grep -F -- "$2"; }
has_instances() { # URL NAMESPACE COMPONENT NUMBER
  local entry="\"component\":\"$3\",\"endpoint\":\"generate\",\"namespace\":\"$2\""
  [ "$(curl -sS --noproxy '*' "$1" | grep -oF -- "$entry" | wc -l)" -eq "$4" ]
}
listens() { (exec 3<>"/dev/tcp/$1/$2"); } # sends nothing: the guide's nginx counts failed requests

# request URL BODY: sends a completion; the answer is in $code and $answer.
request() {
  answer=$(curl -sS --noproxy '*' --max-time 300 -w '\n%{http_code}' \
    -H 'Content-Type: application/json' -d "$2" "$1/v1/chat/completions" || true)
  code=${answer##*$'\n'}
  answer=${answer%$'\n'*}
}

# wait_served URL SECONDS BODY: sends a completion until the server answers it.
wait_served() {
  local began=$SECONDS
  until
    request "$1" "$3"
    [ "$code" = 200 ]
  do
    if [ "$code" = 400 ] || ((SECONDS >= began + $2)); then
      echo "$1 does not serve: HTTP $code: $answer" >&2
      exit 1
    fi
    sleep 0.2
  done
}

# plot ROOT: the guide's plot_pareto.py, or the same chart by topobench.
plot() {
  if command -v topobench >/dev/null; then
    topobench plot --artifacts-root-dir "$1" --out "$1" || true # it exits with 3 for invalid cells
  else
    echo "to plot: topobench plot --artifacts-root-dir $1"
  fi
}

# stop: ends all services in reverse order, so that workers can deregister from etcd and NATS.
stop() {
  local i pid began=$SECONDS
  for ((i = ${#pids[@]} - 1; i >= 0; i--)); do kill "${pids[i]}" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do
    while runs "$pid"; do
      if ((SECONDS >= began + grace)); then kill -KILL -- "-$pid" 2>/dev/null || true; fi
      sleep 0.1
    done
  done
  wait
  pids=()
}
runs() { grep -qsE "^[0-9]+ \(.*\) [^ZX] [0-9]+ $1 " /proc/[0-9]*/stat; } # process group

trap 'trap "grace=0" HUP INT TERM; stop' EXIT # the second Ctrl-C kills at once
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
