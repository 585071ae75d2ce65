package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"topobench/internal/aiperf"
	"topobench/internal/profile"
	"topobench/internal/text"
	"topobench/profiles"
)

// binFlags are paths of programs. The package programs searches for the rest.
type binFlags struct {
	Python string `help:"Python that can import dynamo." placeholder:"PATH"`
	VLLM   string `name:"vllm" help:"vllm command." placeholder:"PATH"`
	AIPerf string `name:"aiperf" help:"aiperf command." placeholder:"PATH"`
	Nginx  string `help:"nginx." placeholder:"PATH"`
	Etcd   string `help:"etcd." placeholder:"PATH"`
	NATS   string `name:"nats" help:"nats-server." placeholder:"PATH"`

	NvidiaSMI string `name:"nvidia-smi" help:"nvidia-smi, which reports GPUs and their processes." placeholder:"PATH"`
}

// loadFlags override the same keys in all profiles.
type loadFlags struct {
	Model        string   `help:"Model id or directory."`
	ISL          *int     `name:"isl" help:"Input tokens of a request." placeholder:"N"`
	OSL          *int     `name:"osl" help:"Output tokens of a request." placeholder:"N"`
	Concurrency  levels   `help:"Comma-separated concurrency levels." placeholder:"1,2,4"`
	Seed         int      `default:"100" help:"aiperf's random seed; the guide's is ${default}."`
	FreshPrompts bool     `help:"Use another seed for each concurrency, so that no level repeats prompts."`
	TimeoutReady duration `help:"How long each service may take to become ready." placeholder:"DURATION"`
	setFlag
	hostsFlag
}

// setFlag overrides any key. The fields above win.
type setFlag struct {
	Set []string `sep:"none" placeholder:"KEY=VALUE" help:"Set a key of all profiles, or PROFILE:KEY of one."`
}

// by has the settings for each profile of the command line, which they name as the command does, or by the file or
// the name in it.
func (f setFlag) by(args []string, nameOf func(arg string) string) (own map[string][]string, err error) {
	own = map[string][]string{}
	var faults []error
	for _, setting := range f.Set {
		word, rest := splitSetting(setting)
		of, err := meant(word, args, nameOf)
		faults = append(faults, err)
		for _, arg := range of {
			own[arg] = append(own[arg], rest)
		}
	}
	return own, errors.Join(faults...)
}

// meant are the profiles of the command line that the word before a setting stands for, each once.
func meant(word string, args []string, nameOf func(arg string) string) ([]string, error) {
	args = text.Distinct(args)
	if word == "" {
		return args, nil
	}
	if slices.Contains(args, word) {
		return []string{word}, nil
	}
	var found, all []string
	for _, arg := range args {
		file, name := filepath.Base(arg), nameOf(arg)
		if word == file || word == name {
			found = append(found, arg)
		}
		if all = append(all, arg); name != "" && name != arg {
			all[len(all)-1] += " (" + name + ")"
		}
	}
	switch {
	case len(found) == 0:
		return nil, fmt.Errorf("--set %s:...: the command names no profile %[1]s, but %s",
			word, strings.Join(all, " and "))
	case len(found) > 1:
		return nil, fmt.Errorf("--set %s:...: the command names %s by that: write the path before the colon",
			word, strings.Join(found, " and "))
	}
	return found, nil
}

// splitSetting splits PROFILE:KEY=VALUE. No key has a colon in it.
func splitSetting(setting string) (profile, rest string) {
	key, _, _ := strings.Cut(setting, "=")
	colon := strings.LastIndexByte(key, ':')
	return setting[:max(0, colon)], setting[colon+1:]
}

// apply overrides keys of a profile with the flags. Model also replaces the tokenizer and the served name.
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

// options are the flags without a key in a profile.
func (f loadFlags) options() aiperf.Options {
	return aiperf.Options{Seed: f.Seed, FreshPrompts: f.FreshPrompts}
}

// inBounds checks a flag against the bounds of the profile key of that name.
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

// loadProfiles reads profiles that become processes.
func loadProfiles(ctx context.Context, names []string, f loadFlags, env *Env, flags ...error) (
	[]profile.Profile, error) {
	all, err := loadTopologies(ctx, names, f, env, flags...)
	if err == nil {
		err = processesOnly(all)
	}
	return all, err
}

// loadTopologies reads built-in names and paths, each once, and applies the flags. The error has all faults, those of
// other flags included.
func loadTopologies(ctx context.Context, names []string, f loadFlags, env *Env, flags ...error) (
	[]profile.Profile, error) {
	reader := env.reader()
	var all []profile.Profile
	own, err := f.by(names, func(arg string) string {
		p, _ := readProfile(env.reader(), arg) // the faults follow below, with the settings
		return p.Name
	})
	faults := append(flags, err, checkTwice(names))
	for _, name := range text.Distinct(names) {
		reader.Set = own[name]
		p, err := readProfile(reader, name)
		if err == nil {
			err = f.apply(reader, &p)
		}
		faults = append(faults, err)
		all = append(all, p)
	}
	if err := joinUnique(faults...); err != nil {
		return nil, &usageError{err}
	}
	if err := env.place(ctx, all, f.Hosts.at); err != nil {
		return nil, &usageError{err}
	}
	return all, nil
}

// readProfile reads a file if name has a slash or ends in .yaml or .yml, else the built-in profile of that name.
func readProfile(r profile.Reader, name string) (profile.Profile, error) {
	if strings.ContainsRune(name, '/') || strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml") {
		return r.Load(name)
	}
	data, err := profiles.Read(name)
	if err != nil {
		return profile.Profile{}, fmt.Errorf("cannot find profile %s: the built-in profiles are %s; "+
			"a path has a slash or ends in .yaml", name, strings.Join(profiles.Names(), ", "))
	}
	return r.Parse("built-in "+name, data)
}
