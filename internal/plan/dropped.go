package plan

import (
	"fmt"
	"slices"
	"strings"

	"topobench/internal/text"
)

// Audience is the children that do not receive a variable of the caller.
type Audience string

// The audiences of the table.
const (
	Children  Audience = "services and aiperf"
	Services  Audience = "services"
	Load      Audience = "aiperf with a local tokenizer"
	FromCache Audience = "programs of the tool cache"
)

// Drop is a row of variables that children do not receive from the caller, with the reason. A name that begins or
// ends in * stands for all names with that end or beginning.
type Drop struct {
	Names  []string
	Except []string // names like those above, which children receive nevertheless
	For    Audience
	Why    string
}

// Text is the names of a row, "but NAME" for its exceptions, and the children that do not receive them.
func (d Drop) Text() string {
	names := strings.Join(d.Names, " ")
	if len(d.Except) > 0 {
		names += ", but " + strings.Join(d.Except, " ")
	}
	return names + " (not for " + string(d.For) + ")"
}

// Dropped is the closed table. Children receive every other variable of the caller. Certificates, regions, addresses
// and projects of a cloud are no credentials: without them a model in its storage cannot be read.
func Dropped() []Drop {
	return []Drop{
		{Names: []string{"DYN_*", "ETCD_*", "NATS_*"}, For: Children,
			Why: "they would join another deployment"},
		{Names: []string{"CUDA_VISIBLE_DEVICES"}, For: Children,
			Why: "it is the allocation; the profile assigns the GPUs of each worker"},
		{Names: []string{"VLLM_PORT", "VLLM_HOST_IP", "VLLM_NIXL_*", "MASTER_ADDR", "MASTER_PORT"}, For: Children,
			Why: "the plan has the ports and addresses of this launch"},
		{Names: []string{"RANK", "WORLD_SIZE", "LOCAL_RANK", "VLLM_DP_*", "SLURM_*", "PMI*", "PMIX*", "OMPI_*"},
			For: Children,
			Why: "an engine would take itself for one rank of the caller's job"},
		{Names: []string{"PROMETHEUS_MULTIPROC_DIR", "prometheus_multiproc_dir"}, For: Children,
			Why: "workers would share their counters; each server has a directory of its own without it"},
		{Names: []string{"VLLM_API_KEY"}, For: Children,
			Why: "the servers would answer every request without that key with 401"},
		{Names: []string{"*_API_KEY", "*_ACCESS_KEY", "*_SECRET", "*_SECRET_KEY", "*_PASSWORD", "*_TOKEN", "AWS_*",
			"GOOGLE_*", "AZURE_*", "SSH_AUTH_SOCK", "KUBECONFIG"},
			Except: []string{"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "NCCL_*", "UCX_*", "AWS_CA_BUNDLE", "AWS_REGION",
				"AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL*", "GOOGLE_CLOUD_PROJECT"}, For: Children,
			Why: "credentials for other services"},
		{Names: []string{"AIPERF_*"}, For: Services, Why: "they are settings of aiperf"},
		{Names: []string{"HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"}, For: Load,
			Why: "aiperf 0.13 refuses the directory of a tokenizer when either is set"},
		{Names: pythonVariables(), For: FromCache,
			Why: "they lead to the packages of another Python"},
	}
}

// fewNames is how many variables of one prefix are named one by one: a job of Slurm has fifty.
const fewNames = 4

// DroppedText lists names in a line. Many with one prefix of the table become "SLURM_* (52)".
func DroppedText(names []string) string {
	parts := text.Each(names, func(name string) string {
		for _, d := range Dropped() {
			for _, pattern := range d.Names {
				prefix, many := strings.CutSuffix(pattern, "*")
				if n := begin(names, prefix); many && n > fewNames && strings.HasPrefix(name, prefix) {
					return fmt.Sprintf("%s (%d)", pattern, n)
				}
			}
		}
		return name
	})
	return text.Clean(strings.Join(text.Distinct(parts), ", "))
}

// begin counts the names with a prefix.
func begin(names []string, prefix string) (n int) {
	for _, name := range names {
		if strings.HasPrefix(name, prefix) {
			n++
		}
	}
	return n
}

// pythonVariables lead an interpreter to the packages of one environment.
func pythonVariables() []string {
	return []string{"PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "VIRTUAL_ENV"}
}

// droppedFrom reports whether the rows of any of the audiences drop a variable.
func droppedFrom(audiences ...Audience) func(name string) bool {
	table := Dropped()
	return func(name string) bool {
		return slices.ContainsFunc(table, func(d Drop) bool {
			return slices.Contains(audiences, d.For) && matches(name, d.Names) && !matches(name, d.Except)
		})
	}
}

func matches(name string, patterns []string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		prefix, begins := strings.CutSuffix(pattern, "*")
		suffix, ends := strings.CutPrefix(pattern, "*")
		return name == pattern || begins && strings.HasPrefix(name, prefix) || ends && strings.HasSuffix(name, suffix)
	})
}
