package cli

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"topobench/internal/aiperf"
	"topobench/internal/plan"
	"topobench/internal/profile"
	"topobench/internal/tools"
	"topobench/profiles"
)

// binFlags name programs; what is not named is looked for: profile, environment, cache, PATH (internal/tools).
type binFlags struct {
	Python string `help:"Python that can import dynamo." placeholder:"PATH" group:"Programs"`
	VLLM   string `name:"vllm" help:"vllm command." placeholder:"PATH" group:"Programs"`
	AIPerf string `name:"aiperf" help:"aiperf command." placeholder:"PATH" group:"Programs"`
	Nginx  string `help:"nginx." placeholder:"PATH" group:"Programs"`
	Etcd   string `help:"etcd." placeholder:"PATH" group:"Programs"`
	NATS   string `name:"nats" help:"nats-server." placeholder:"PATH" group:"Programs"`

	NvidiaSMI string `name:"nvidia-smi" help:"nvidia-smi, by which GPUs are looked at." placeholder:"PATH" group:"Programs"`
}

// loadFlags override the profiles, all of them alike.
type loadFlags struct {
	Model        string   `help:"Model id or directory." group:"Load"`
	ISL          *int     `name:"isl" help:"Input tokens of a request." placeholder:"N" group:"Load"`
	OSL          *int     `name:"osl" help:"Output tokens of a request." placeholder:"N" group:"Load"`
	Concurrency  levels   `help:"Comma-separated concurrency levels." placeholder:"1,2,4" group:"Load"`
	Seed         int      `default:"100" help:"aiperf's random seed; the guide's is ${default}." group:"Load"`
	FreshPrompts bool     `help:"A seed of its own for each concurrency: no level sends the prompts of the level before again." group:"Load"`
	TimeoutReady duration `help:"How long each service may take to become ready, such as 45m." placeholder:"DURATION" group:"Load"`
}

// apply puts the flags over a profile. Model stands for id and tokenizer alike.
func (f loadFlags) apply(r profile.Reader, p *profile.Profile) error {
	var faults []error
	number := func(key string, given, to *int) {
		if given != nil {
			faults = append(faults, inBounds(key, *given))
			*to = *given
		}
	}
	number("isl", f.ISL, &p.Load.ISL)
	number("osl", f.OSL, &p.Load.OSL)
	if f.Model != "" {
		model, err := r.ModelPath(f.Model)
		faults = append(faults, err)
		p.Model, p.ServedName, p.Tokenizer = model, "", ""
	}
	if len(f.Concurrency) > 0 {
		p.Load.Concurrency = f.Concurrency
		faults = append(faults, checkConcurrency(f.Concurrency))
	}
	faults = append(faults, checkSeed(f.Seed))
	if f.TimeoutReady > 0 {
		p.Timeouts.Ready = f.TimeoutReady.value()
	}
	return errors.Join(faults...)
}

// options are the flags that are not in a profile.
func (f loadFlags) options() aiperf.Options {
	return aiperf.Options{Seed: f.Seed, FreshPrompts: f.FreshPrompts}
}

// inBounds: a flag takes what the key of that name takes in a profile.
func inBounds(key string, n int) error {
	if err := profile.CheckLoad(key, n); err != nil {
		return fmt.Errorf("--%w", err)
	}
	return nil
}

func checkConcurrency(levels []int) error {
	for i, c := range levels {
		if err := inBounds("concurrency", c); err != nil {
			return err
		}
		if slices.Contains(levels[:i], c) {
			return fmt.Errorf("--concurrency names %d twice", c)
		}
	}
	return nil
}

// loadProfiles reads built-in names and paths, all faults at once.
func loadProfiles(names []string, f loadFlags, env *Env) ([]profile.Profile, error) {
	reader := profile.Reader{Getenv: env.Getenv}
	var all []profile.Profile
	var faults []error
	for _, name := range names {
		p, err := readProfile(reader, name)
		if err == nil {
			err = f.apply(reader, &p)
		}
		faults = append(faults, err)
		all = append(all, p)
	}
	if err := together(faults...); err != nil {
		return nil, &usageError{err}
	}
	return all, nil
}

// readProfile takes a word without a slash and without .yaml as a built-in name.
func readProfile(r profile.Reader, name string) (profile.Profile, error) {
	if strings.ContainsRune(name, '/') || strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml") {
		return r.Load(name)
	}
	data, err := profiles.Read(name)
	if err != nil {
		return profile.Profile{}, fmt.Errorf("cannot find profile %s: the built-in ones are %s; a path has a slash or ends in .yaml", name, strings.Join(profiles.Names(), ", "))
	}
	return r.Parse("built-in "+name, data)
}

// need lists the programs that a profile runs.
func need(p profile.Profile) []tools.Tool {
	wanted := []tools.Tool{tools.AIPerf}
	if p.Engine == "vllm" {
		wanted = append(wanted, tools.VLLM)
	} else {
		wanted = append(wanted, tools.Python)
	}
	if p.Balancer != nil {
		wanted = append(wanted, tools.Nginx)
	}
	if p.Discovery.Etcd == "start" {
		wanted = append(wanted, tools.Etcd)
	}
	if p.Discovery.NATS == "start" {
		wanted = append(wanted, tools.NATS)
	}
	return wanted
}

// findPrograms finds what a profile needs, and says what is missing, where it
// was looked for, and how to get it.
func findPrograms(p profile.Profile, f binFlags, env *Env) (plan.Programs, map[tools.Tool]tools.Found, error) {
	search := tools.Search{Flags: tools.Bins(f), Getenv: env.Getenv,
		Profile: tools.Bins{Python: p.Python, VLLM: p.VLLM, AIPerf: p.AIPerf, Nginx: p.Nginx, Etcd: p.Etcd, NATS: p.NATS}}
	found, err := search.Find(need(p)...)
	at := func(t tools.Tool) string { return found[t].Path }
	return plan.Programs{Python: at(tools.Python), VLLM: at(tools.VLLM), AIPerf: at(tools.AIPerf),
		Nginx: at(tools.Nginx), Etcd: at(tools.Etcd), NATS: at(tools.NATS)}, found, err
}

// installation is what a plan is made for.
func installation(programs plan.Programs, versions plan.Versions, env *Env) plan.Installation {
	return plan.Installation{Programs: programs, Versions: versions, Root: env.Root, Inherit: plan.Inherit(env.Environ)}
}

func sortedKeys(m map[string]int) []string { return slices.Sorted(maps.Keys(m)) }
