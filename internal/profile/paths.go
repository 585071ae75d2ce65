package profile

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
)

// cacheVariable is the one variable that is expanded, at the start of a path.
const cacheVariable = "${CACHE}"

// resolve makes every path of p absolute: from the home directory for ~/, from the cache for ${CACHE}, else from base.
func (r Reader) resolve(p *Profile, base string) []problem {
	var found problems
	each := func(isPath func(string) bool, values map[string]*string) {
		for key, value := range values {
			if *value == "" || !isPath(*value) {
				continue
			}
			resolved, err := r.absolute(base, *value)
			if err != nil {
				found.add(key, "%s: %v", key, err)
			}
			*value = resolved
		}
	}
	each(isModelPath, map[string]*string{"model": &p.Model, "tokenizer": &p.Tokenizer})
	each(isProgramPath, map[string]*string{"python": &p.Python, "vllm": &p.VLLM, "aiperf": &p.AIPerf,
		"nginx": &p.Nginx, "etcd": &p.Etcd, "nats": &p.NATS})
	if p.Command != nil && len(p.Command.Argv) > 0 {
		each(isProgramPath, map[string]*string{"command.argv[0]": &p.Command.Argv[0]})
	}
	if p.Balancer != nil {
		each(isTemplatePath, map[string]*string{"balancer.config": &p.Balancer.Config})
	}
	if k := p.Kubernetes; k != nil {
		each(isTemplatePath, map[string]*string{"kubernetes.manifest": &k.Manifest})
		if s := k.ModelStorage; s != nil {
			each(isModelPath, map[string]*string{"kubernetes.model_storage.host_path": &s.HostPath,
				"kubernetes.model_storage.mount": &s.Mount})
		}
	}
	return found
}

// ModelPath is a model or tokenizer that a command line names: a path as a profile
// has it, but from the working directory, made absolute; an id as it is.
func (r Reader) ModelPath(name string) (string, error) {
	if !isModelPath(name) {
		return name, nil
	}
	return r.absolute("", name)
}

func (r Reader) absolute(base, path string) (string, error) {
	if rest, ok := strings.CutPrefix(path, cacheVariable); ok && (rest == "" || rest[0] == '/') {
		if r.Cache == "" {
			return "", errors.New("no cache directory is known: set TOPOBENCH_CACHE or HOME")
		}
		return filepath.Abs(r.Cache + rest)
	}
	if rest, ok := strings.CutPrefix(path, "~"); ok {
		if home := r.Getenv("HOME"); home != "" && strings.HasPrefix(rest, "/") {
			return filepath.Clean(home + rest), nil
		}
		return "", fmt.Errorf("cannot expand %q: only ~/ is known, and it needs HOME", path)
	}
	if strings.Contains(path, "${") {
		return "", fmt.Errorf("cannot expand %q: only %s is known, at the start of a path", path, cacheVariable)
	}
	if filepath.IsAbs(path) {
		return filepath.Clean(path), nil
	}
	return filepath.Abs(filepath.Join(base, path))
}

// isModelPath: a model with a slash inside is an id (Qwen/Qwen3-0.6B).
func isModelPath(s string) bool {
	return hasAnyPrefix(s, "/", "./", "../", "~", "${")
}

// isProgramPath: a bare name is looked for on PATH, as in a shell.
func isProgramPath(s string) bool { return strings.Contains(s, "/") || isModelPath(s) }

func isTemplatePath(s string) bool { return s != "guide" && s != "tuned" }
