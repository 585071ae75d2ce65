package kube

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"topobench/internal/aiperf"
	"topobench/internal/plan"
	"topobench/internal/profile"
	"topobench/internal/text"
)

// ByHand is the run of a script: its label and names are not those of a run of topobench.
const ByHand = "by-hand"

// Deadline is when the Job of the load ends at the latest, and with it everything that it owns: above the limits of
// every step.
func Deadline(topologies []Topology) time.Duration {
	total := time.Hour
	for _, t := range topologies {
		total += time.Duration(len(t.Waves)) * t.Profile.Timeouts.Ready
		for _, c := range t.Plan.Load.Concurrency {
			total += t.Plan.Load.Deadline(c)
		}
	}
	return total.Round(time.Second)
}

// Script prints the manifests of topologies with the lines of kubectl that create, await, measure and delete them, as
// a bash script. The results go to directories below root.
func Script(w io.Writer, root string, topologies []Topology) error {
	if err := together(topologies); err != nil {
		return err
	}
	deadline := Deadline(topologies)
	job, err := Load(ByHand, topologies, deadline, []string{"sh", "-c", whileAlive})
	s := script{kubectl: kubectlOf(*topologies[0].Profile.Kubernetes), err: err}
	names := text.Each(topologies, func(t Topology) string { return t.Name })
	s.comment("%s on Kubernetes: `bash SCRIPT` measures one topology after the other.", strings.Join(names, ", "))
	s.comment("The Job of the load owns every object: when it ends, Kubernetes deletes the rest. It ends 10 minutes")
	s.comment("after the last sign of life of this shell.")
	s.add("set -euo pipefail\nroot=%s", quote(root))
	s.add(helpers, s.kubectl, job.Name, LoadContainer)
	s.comment("==== the pod of the load ====")
	s.create("load", []Object{job})
	s.add("trap 'exec 3>&-; %s delete job %s --ignore-not-found --cascade=foreground' EXIT", s.kubectl, job.Name)
	s.add("owner=$(%s get job %s -o jsonpath='{.metadata.uid}')", s.kubectl, job.Name)
	s.add("%s wait job/%s --for=jsonpath='{.status.ready}'=1 --timeout=%s", s.kubectl, job.Name,
		seconds(topologies[0].Profile.Timeouts.Ready))
	s.comment("The sign of life, each minute. The end of this shell closes its input, and it ends too.")
	s.add("exec 3> >(until read -rt 60 || [ $? -le 128 ]; do %s exec job/%s -c %s -- touch %s || true; done)",
		s.kubectl, job.Name, LoadContainer, alive)
	for _, t := range topologies {
		s.topology(t, job.Name)
	}
	if s.err != nil {
		return s.err
	}
	_, err = io.WriteString(w, "#!/usr/bin/env bash\n"+s.b.String())
	return err
}

// together refuses profiles that one pod cannot measure.
func together(topologies []Topology) error {
	first := *topologies[0].Profile.Kubernetes
	for _, t := range topologies[1:] {
		k := *t.Profile.Kubernetes
		if k.Context != first.Context || k.Namespace != first.Namespace || k.HFTokenSecret != first.HFTokenSecret ||
			!reflect.DeepEqual(k.ModelStorage, first.ModelStorage) {
			return fmt.Errorf("%s: kubernetes of %s and %s have another context, namespace, hf_token_secret or "+
				"model_storage: one pod measures both", t.Profile.Place("kubernetes"), topologies[0].Profile.Name,
				t.Profile.Name)
		}
	}
	return nil
}

// alive is the file of the load's pod by whose age it ends.
const (
	alive      = "/tmp/topobench-alive"
	whileAlive = "touch " + alive + `; while [ -n "$(find ` + alive + ` -mmin -10)" ]; do sleep 5; done`
)

type script struct {
	kubectl string // with its context and namespace
	b       strings.Builder
	err     error
}

func (s *script) add(format string, args ...any) { fmt.Fprintf(&s.b, format+"\n", args...) }

func (s *script) comment(format string, args ...any) { s.add("# "+format, args...) }

// helpers are the functions of a script: its verbs are kubectl with its flags, and the Job of the load.
const helpers = `
# gone SELECTOR: waits until no object with the labels is left.
gone() {
  local left
  for _ in {1..120}; do
    left=$(%[1]s get pods,deployments,services,configmaps -l "$1" -o name)
    [ -n "$left" ] || return 0
    sleep 1
  done
  echo "still there:" $left >&2
  return 1
}

# request URL [BODY]: a request from the pod of the load.
request() {
  %[1]s exec job/%[2]s -c %[3]s -- python3 -c '
import sys, urllib.request
body = sys.argv[2].encode() if len(sys.argv) > 2 else None
request = urllib.request.Request(sys.argv[1], body, {"Content-Type": "application/json"})
print(urllib.request.urlopen(request).read().decode())' "$@"
}

# served URL MODEL: waits until the server lists the model.
served() {
  for _ in {1..120}; do
    ! request "$1/v1/models" 2>/dev/null | grep -qF "\"$2\"" || return 0
    sleep 1
  done
  echo "$1 does not list the model $2" >&2
  return 1
}
`

// kubectlOf is the command with the context and the namespace of a profile.
func kubectlOf(k profile.Kubernetes) string {
	words := []string{"kubectl"}
	if k.Context != "" {
		words = append(words, "--context", quote(k.Context))
	}
	if k.Namespace != "" {
		words = append(words, "--namespace", quote(k.Namespace))
	}
	return strings.Join(words, " ")
}

// create prints a function with the objects of a wave, which the API server checks before it creates them.
func (s *script) create(called string, objects []Object) {
	fill := "cat"
	if called != "load" {
		fill = `sed "s/` + Owner + `/$owner/"`
	}
	s.add("%s() {\n%s <<'END'", called, fill)
	for i, o := range objects {
		if i > 0 {
			s.add("---")
		}
		s.b.WriteString(strings.TrimRight(o.Text, "\n") + "\n")
	}
	s.add("END\n}")
	s.add("%s | %s create --dry-run=server -f -", called, s.kubectl)
	s.add("%s | %s create -f -", called, s.kubectl)
}

func (s *script) topology(t Topology, job string) {
	s.add("")
	s.comment("==== %s: %s ====", t.Name, text.Count(t.Plan.GPUs, "GPU", "GPUs"))
	for i, wave := range t.Waves {
		called := strings.ReplaceAll(t.Name, "-", "_")
		if i > 0 {
			called += fmt.Sprintf("_%d", i+1)
		}
		s.create(called, wave)
		s.await(t, i)
	}
	s.measure(t, job)
	s.delete(t)
}

// await prints the lines that wait until a wave is ready.
func (s *script) await(t Topology, wave int) {
	within := seconds(t.Profile.Timeouts.Ready)
	observed := false
	for _, r := range t.Ready {
		what := r.Kind + "/" + r.Name
		switch {
		case r.Wave != wave:
		case r.Component == "":
			s.add("%s rollout status %s --timeout=%s", s.kubectl, what, within)
		default:
			if !observed {
				s.add("generation=$(%s get %s -o jsonpath='{.metadata.generation}')", s.kubectl, what)
				s.wait(what, within, "jsonpath='{.status.observedGeneration}'=$generation")
				s.wait(what, within, "condition=Ready")
			}
			observed = true
			s.wait(what, within, fmt.Sprintf("jsonpath='{.status.components.%s.readyReplicas}'=%d",
				strings.ReplaceAll(r.Component, ".", `\.`), r.Replicas))
		}
	}
}

func (s *script) wait(what, within, condition string) {
	s.add("%s wait %s --timeout=%s --for=%s", s.kubectl, what, within, condition)
}

// measure prints perf.sh in the pod of the load, and the way of the results to this machine.
func (s *script) measure(t Topology, job string) {
	l := t.Plan.Load
	config, err := json.MarshalIndent(t.Plan.Deployment, "", "  ")
	s.err = errors.Join(s.err, err)
	for _, url := range l.URLs {
		s.add("served %s %s", url, quote(l.Model))
	}
	s.add("free=0\nwhile [ -e \"$root/artifacts_$free\" ]; do free=$((free + 1)); done")
	s.add("results=$root/artifacts_$free\nmkdir -p \"$results\"")
	s.add("cat >\"$results/deployment_config.json\" <<'END'\n%s\nEND", config)
	refusable := []string{"--extra-inputs", aiperf.ExtraNVExt}
	s.add("nvext=(%s)", quoteAll(refusable))
	s.comment("Some versions of Dynamo refuse perf.sh's nvext: it is left out then.")
	completions := l.URLs[0] + "/v1/chat/completions"
	s.add("request %s %s 2>/dev/null || {", completions, s.body(l, true))
	s.add("  nvext=()\n  request %s %s\n}", completions, s.body(l, false))
	s.add("for c in %s; do", strings.Trim(fmt.Sprint(l.Concurrency), "[]"))
	units := text.Each(plan.Groups(l.Command(level(l), l.Artifacts+"/-concurrency@c@")), quoteAll)
	if i := slices.Index(units, quoteAll(refusable)); i >= 0 {
		units[i] = `"${nvext[@]}"`
	}
	s.add("  %s exec job/%s -c %s -- \\\n    %s </dev/null", s.kubectl, job, LoadContainer,
		expressions.Replace(strings.Join(units, " \\\n    ")))
	s.add("done")
	s.add("%s exec job/%s -c %s -- tar -C %s -cf - . | tar -C \"$results\" -xf -", s.kubectl, job, LoadContainer,
		quote(l.Artifacts))
	s.add(`echo "results: $results"`)
}

// delete prints the lines that take a topology down, and prove it.
func (s *script) delete(t Topology) {
	var all []string
	for _, o := range slices.Backward(slices.Concat(t.Waves...)) {
		all = append(all, strings.ToLower(o.Kind)+"/"+o.Name)
	}
	s.add("%s delete %s", s.kubectl, strings.Join(all, " "))
	s.add("gone %s=%s,%s=%s", RunLabel, t.run, topologyLabel, t.Name)
	if slices.ContainsFunc(t.Ready, func(r Wanted) bool { return r.Component != "" }) {
		s.add("gone nvidia.com/dynamo-graph-deployment-name=%s", t.Name)
	}
}

// body is a short request with all fields of the load's requests.
func (s *script) body(l aiperf.Load, nvext bool) string {
	l.NVExt = nvext
	body, err := l.Body("Hello")
	s.err = errors.Join(s.err, err)
	return quote(string(body))
}

// expressions are the numbers of a cell as the shell computes them.
var expressions = strings.NewReplacer("@c@", "$c", "@requests@", "$((10 * c))", "@warmup@", "$((2 * c))", // constant
	"@entries@", "$((12 * c))", "@seed", "$((", "+c@", " + c))")

// level is the arguments of a cell as expressions of $c.
func level(l aiperf.Load) aiperf.Level {
	at := aiperf.Level{Concurrency: "@c@", Requests: "@requests@", Warmup: "@warmup@", Entries: "@entries@",
		Seed: fmt.Sprint(l.Seed)}
	if l.FreshPrompts {
		at.Seed = "@seed" + at.Seed + "+c@"
	}
	return at
}

func seconds(d time.Duration) string { return fmt.Sprintf("%ds", int(d/time.Second)) }

func quoteAll(words []string) string { return strings.Join(text.Each(words, quote), " ") }

var plainWord = regexp.MustCompile(`^[A-Za-z0-9@%+=:,./_-]+$`)

// quote makes one word of a text for the shell.
func quote(s string) string {
	if plainWord.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
