package programs

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"topobench/internal/text"
)

// Tokenizer is what aiperf counts tokens with.
type Tokenizer struct {
	Name   string // a directory or an id
	Hub    string // the cache with the files of an id
	Remote bool   // its own Python may run

	Settings string // the caller's variables of aiperf, NAME=value each; "" = none
}

// loadSettings is a Python program that reads aiperf's variables as aiperf does at its start. Old versions have none.
const loadSettings = `
import sys
try:
    import aiperf.common.environment
except ModuleNotFoundError:
    pass
except Exception as fault:
    sys.exit("\nsettings: " + " ".join(str(fault).split()))
`

// loadTokenizer is a Python program that loads a tokenizer as aiperf does.
const loadTokenizer = loadSettings + `
from aiperf.common.tokenizer import Tokenizer
tokenizer = Tokenizer.from_pretrained(sys.argv[1], trust_remote_code=sys.argv[2] == "True")
if not tokenizer.encode("a few words"):
    sys.exit("it encodes text to no tokens: files of the tokenizer are missing")
print("\nloaded")
`

// TokenizerError is a tokenizer that aiperf cannot load.
type TokenizerError struct {
	Tokenizer
	Output string // the exception that its interpreter printed
}

func (e *TokenizerError) Error() string {
	next := "name another with tokenizer (--tokenizer)"
	if strings.Contains(e.Output, "trust_remote_code") && !e.Remote {
		next = "its own Python has to run: add --trust-remote-code to engine_args if you trust it"
	}
	return fmt.Sprintf("aiperf cannot load the tokenizer %s: %s; %s", e.Name, strings.TrimRight(e.Output, "."), next)
}

// SettingsError is a variable of aiperf whose value it refuses.
type SettingsError struct {
	Output string   // why
	Names  []string // of the variables
}

func (e *SettingsError) Error() string {
	return fmt.Sprintf("aiperf refuses a variable: %s; correct or unset %s", e.Output, strings.Join(e.Names, ", "))
}

// refused is the SettingsError in what loadSettings printed, or nil. The output names the last part of a variable.
func (t Tokenizer) refused(output string) error {
	_, why, found := strings.Cut(output, "\nsettings: ")
	if !found {
		return nil
	}
	var all, named []string
	for line := range strings.Lines(t.Settings) {
		name, _, _ := strings.Cut(line, "=")
		all = append(all, name)
		isEnd := func(word string) bool { return strings.HasSuffix(name, "_"+word) }
		if slices.ContainsFunc(strings.Fields(why), isEnd) {
			named = append(named, name)
		}
	}
	if len(named) == 0 {
		named = all
	}
	why, _, _ = strings.Cut(why, " For further information")
	return &SettingsError{strings.TrimSpace(why), named}
}

// LoadSettings reads the variables of aiperf in its interpreter, without a tokenizer.
func (p Prober) LoadSettings(ctx context.Context, python string, t Tokenizer) error {
	if t.Settings == "" {
		return nil
	}
	output, err := p.run(ctx, query{path: python, args: []string{"-c", loadSettings}})
	if err == nil {
		return nil
	}
	return t.refused(output) // any other fault shows when the tokenizer is loaded
}

// OnDisk reports whether the tokenizer is loaded without a download.
func (t Tokenizer) OnDisk() bool { return len(t.files()) > 0 }

// files are the paths of the tokenizer's directory, or of the snapshots of its id in the hub's cache.
func (t Tokenizer) files() []string {
	dir := t.Name
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(t.Hub, "models--"+strings.ReplaceAll(t.Name, "/", "--"), "snapshots", "*")
		dir = strings.NewReplacer("[", `\[`, "?", `\?`).Replace(dir)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*.*")) // a pattern that is none has no files
	return files
}

// fingerprint changes with the interpreter, the tokenizer and each of its files; "" = nothing is known of them.
func (t Tokenizer) fingerprint(python string) string {
	if !t.OnDisk() {
		return ""
	}
	sum := sha256.New()
	fmt.Fprintln(sum, python, stamp(python), stamp(filepath.Dir(python)), t)
	for _, path := range t.files() {
		if info, err := os.Stat(path); err == nil {
			fmt.Fprintln(sum, path, info.Size(), stamp(path))
		}
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// LoadTokenizer loads a tokenizer in the interpreter of aiperf. One that was loaded before is not loaded again until
// it changes; a failure is never cached. p.Cache is a file of its own.
func (p Prober) LoadTokenizer(ctx context.Context, python string, t Tokenizer) error {
	now := t.fingerprint(python)
	known := map[string]string{} // fingerprints by name
	data, err := os.ReadFile(p.Cache)
	if err != nil || json.Unmarshal(data, &known) != nil || known == nil {
		known = map[string]string{}
	}
	if now != "" && known[t.Name] == now {
		return nil
	}
	trust := map[bool]string{true: "True", false: "False"}[t.Remote]
	output, err := p.run(ctx, query{path: python, args: []string{"-c", loadTokenizer, t.Name, trust}})
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case strings.Contains(output, "No module named 'aiperf"):
		return nil // a shell script around aiperf sets PYTHONPATH, or the check of programs reports the lack
	case err != nil && t.refused(output) != nil:
		return t.refused(output)
	case err != nil:
		return &TokenizerError{t, cmp.Or(exception(output), err.Error())}
	}
	known[t.Name] = t.fingerprint(python) // a download may have added files
	p.keep(known)
	return nil
}

// keep caches the tokenizers that were loaded.
func (p Prober) keep(known map[string]string) {
	if p.Cache == "" {
		return
	}
	data, err := json.MarshalIndent(known, "", " ")
	if err == nil {
		err = os.MkdirAll(filepath.Dir(p.Cache), 0o755)
	}
	if err == nil {
		err = text.WriteFile(p.Cache, data, 0o600)
	}
	if err != nil && p.Warn != nil {
		p.Warn(fmt.Sprintf("cannot note that the tokenizer loads, for the next time: %v", err))
	}
}
