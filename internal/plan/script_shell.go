package plan

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"
)

// Call stands in a Site's Dir and Namespace for a word that a printed script makes
// up each time it is called: no call meets the data, or the instances, of another.
const Call = "@CALL@"

// prologue defines what the lines after it use.
func (s *script) prologue(plans []Plan) {
	grace := time.Second
	for _, p := range plans {
		for _, svc := range p.Services {
			grace = max(grace, svc.Grace)
		}
	}
	fmt.Fprintf(&s.b, prologue, grace/time.Second)
	s.line("inherited=()")
	s.line("for name in %s; do if [ -n \"${!name+set}\" ]; then inherited+=(\"$name=${!name}\"); fi; done", strings.Join(plans[0].Inherit, " "))
}

// prologue has a group of processes for each service, so that stop finds what a
// service has started, too. stop goes backwards, so that etcd and NATS are asked last.
const prologue = `set -euo pipefail
umask 077
pids=()
grace=%d # seconds
call=$(date +%%y%%m%%d-%%H%%M%%S)-$$
lives() { grep -qsE "^[0-9]+ \(.*\) [^ZX] [0-9]+ $1 " /proc/[0-9]*/stat; } # in group $1
stop() {
  local i pid began=$SECONDS
  for ((i=${#pids[@]}-1; i>=0; i--)); do kill "${pids[i]}" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do
    while lives "$pid"; do
      if ((SECONDS >= began + grace)); then kill -KILL -- "-$pid" 2>/dev/null || true; fi
      sleep 0.1
    done
  done
  wait
  pids=()
}
trap 'trap "grace=0" HUP INT TERM; stop' EXIT # a second Ctrl-C: no more patience
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
start() {
  local log=$1; shift
  set -m
  env -i "${inherited[@]}" env "$@" </dev/null >>"$log" 2>&1 &
  set +m
  pids+=($!)
}
until_true() {
  local what=$1; shift
  until "$@" >/dev/null 2>&1; do
    for pid in "${pids[@]}"; do kill -0 "$pid" 2>/dev/null || { echo "a process died while waiting for $what: see the logs" >&2; exit 1; }; done
    sleep 0.2
  done
  echo "ready: $what"
}
answers() { curl -fsS --noproxy '*' "$1"; }
says() { curl -sS --noproxy '*' "$1" | grep -F -- "$2"; }
counts() { [ "$(curl -sS --noproxy '*' "$1" | grep -oF -- "$2" | wc -l)" -eq "$3" ]; }
listens() { (exec 3<>"/dev/tcp/$1/$2"); }
complete() {
  answer=$(curl -sS --noproxy '*' --max-time 300 -w '\n%%{http_code}' -H 'Content-Type: application/json' -d "$2" "$1/v1/chat/completions" || true)
  code=${answer##*$'\n'} answer=${answer%%$'\n'*}
}
serves() {
  local began=$SECONDS
  until complete "$1" "$2"; [ "$code" = 200 ]; do
    if [ "$code" = 400 ] || ((SECONDS >= began + $3)); then echo "$1 does not serve: HTTP $code: $answer" >&2; exit 1; fi
    sleep 0.2
  done
}
`

// files makes the plan's directories and writes its files. The first directory is the
// one with Call in its name, and must be new.
func (s *script) files(p Plan) {
	s.line("\n# Directories and files, new for each call.")
	for i, dir := range p.Dirs {
		if i == 0 {
			s.line("mkdir -p %s\nmkdir %s\necho logs: %s", word(filepath.Dir(dir)), word(dir), word(dir))
			continue
		}
		s.line("mkdir -p %s", word(dir))
	}
	for _, f := range p.Files {
		s.heredoc(f)
	}
}

// heredoc writes a file byte for byte. The end mark is one that the text lacks;
// what does not end in a newline cannot be a here-document.
func (s *script) heredoc(f File) {
	if !strings.HasSuffix(f.Text, "\n") {
		s.line("printf %%s %s >%s", word(f.Text), word(f.Path))
		return
	}
	mark := "END-OF-FILE"
	for strings.Contains(f.Text, mark) {
		mark += "-"
	}
	s.line("cat >%s <<%s\n%s%s", word(f.Path), mark, expanded.Replace(f.Text), mark)
}

// expanded is the text of a here-document in which nothing but call is a variable.
var expanded = strings.NewReplacer(`\`, `\\`, "$", `\$`, "`", "\\`", Call, "${call}") // never written to
