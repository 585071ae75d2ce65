package plan

import (
	"maps"
	"slices"
	"strings"

	"topobench/internal/artifacts"
	"topobench/internal/profile"
)

// Recorded are the prefixes of the variables that can change speed.
func Recorded() []string {
	return strings.Fields("CUDA_ NCCL_ UCX_ NVIDIA_ VLLM_ TORCH PYTORCH_ TRITON_ FLASHINFER_ NIXL_ HF_ TRANSFORMERS_ " +
		"OMP_ MKL_ KMP_ OPENBLAS_ GLOO_ FI_ IB LD_ PYTHON MALLOC_ TCMALLOC_ RAY_ SGLANG_ TRTLLM_")
}

// Variables are the variables of a plan's workers by which sides are compared, without secrets: all that the profile
// sets, and those of the caller with a recorded prefix. The ones that topobench sets are not among them.
func Variables(p Plan, caller []string) artifacts.Values {
	return VariablesOn(p, func(string) []string { return caller })
}

// VariablesOn is Variables where each host has a caller of its own: the environment of the login there.
func VariablesOn(p Plan, caller func(host string) []string) artifacts.Values {
	recorded := map[string]map[string]string{} // by service
	var names []string
	for _, s := range p.Services {
		if s.Role.Worker() {
			recorded[s.Name] = variablesOf(s, caller(s.Host))
			names = append(names, slices.Collect(maps.Keys(recorded[s.Name]))...)
		}
	}
	return byRole(p, names, artifacts.NotSet, func(s Service) map[string]string { return recorded[s.Name] })
}

func variablesOf(s Service, caller []string) map[string]string {
	all := map[string]string{}
	env, _ := Environ(caller, s.Env) // preflight reports the missing ones
	ours := valuesOf(s.Env)
	for name, value := range valuesOf(env) {
		own, profiles := s.Variables[name]
		_, set := ours[name]
		speed := slices.ContainsFunc(Recorded(), func(prefix string) bool { return strings.HasPrefix(name, prefix) })
		switch {
		case profiles:
			value = own // "${ENV:NAME}" stays a reference
		case set || !speed:
			continue
		}
		if !isSecret(name, value) {
			all[name] = "empty"
			if value != "" {
				all[name] = unsecret(value)
			}
		}
	}
	return all
}

// secretEnds are the ends of the names of variables, and of options in capitals, that hold a secret.
func secretEnds() []string {
	return strings.Fields("_KEY _APIKEY _TOKEN _PAT _SECRET _PASSWORD _PASSWD _PASSPHRASE _PASS _PWD " +
		"_CREDENTIALS _AUTH _BEARER")
}

// isSecret reports whether a variable or an option holds a secret, by its name or its value.
func isSecret(name, value string) bool {
	name = "_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
	return profile.LooksSecret(value) || name != "_PWD" && // the shell's working directory
		slices.ContainsFunc(secretEnds(), func(end string) bool { return strings.HasSuffix(name, end) })
}
