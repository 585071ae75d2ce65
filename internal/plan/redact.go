package plan

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"topobench/internal/profile"
)

const (
	withheld  = "(secret)"
	inherited = "(inherited)"
)

// PublicArgv is the command of a service without secrets.
func PublicArgv(s Service) []string {
	argv := slices.Clone(s.Argv)
	for _, at := range secretArguments(argv) {
		option, _, joined := strings.Cut(argv[at], "=")
		if argv[at] = withheld; joined {
			argv[at] = option + "=" + withheld
		}
	}
	for i, arg := range argv {
		argv[i] = unsecret(arg)
	}
	return argv
}

// secretArguments are the places of arguments with a secret: "--api-key=S", or the S of "--api-key S".
func secretArguments(argv []string) (places []int) {
	for i, arg := range argv {
		option, value, joined := strings.Cut(arg, "=")
		name, _ := profile.OptionName(option)
		switch {
		case profile.LooksSecret(arg), joined && profile.IsFlag(arg) && isSecret(name, value):
			places = append(places, i)
		case !joined && profile.IsFlag(arg) && isSecret(name, "") && i+1 < len(argv) && !profile.IsFlag(argv[i+1]):
			places = append(places, i+1)
		}
	}
	return places
}

// PublicEnviron is the environment of a service as it can be published. It has every name, and the values that
// topobench or the profile sets and those that can change speed. A reference to a variable of the caller stays one.
func PublicEnviron(s Service, caller []string) []string {
	own, public := valuesOf(s.Env), []string{}
	env, _ := Environ(caller, s.Env) // preflight reports the missing ones
	for _, kv := range env {
		name, value, _ := strings.Cut(kv, "=")
		set, ours := own[name]
		speed := slices.ContainsFunc(Recorded(), func(prefix string) bool { return strings.HasPrefix(name, prefix) })
		_, reference := profile.Reference(set)
		switch {
		case reference:
			value = set
		case isSecret(name, value):
			value = withheld
		case !ours && !speed && name != "PATH":
			value = inherited
		}
		public = append(public, name+"="+unsecret(value))
	}
	return public
}

// shortestSecret is in bytes. A shorter value is no secret, as the 2 of "--eos-token 2", and other values contain it.
const shortestSecret = 4

// Public is a text, such as a profile, a log or a script, without the secrets in the arguments and variables of
// services, and without what looks like a key.
func Public(text string, plans ...Plan) string {
	secrets := map[string]bool{}
	for _, p := range plans {
		for _, s := range p.Services {
			addSecrets(secrets, s)
		}
	}
	for _, secret := range slices.Sorted(maps.Keys(secrets)) {
		if len(secret) >= shortestSecret {
			text = strings.ReplaceAll(text, secret, withheld)
		}
	}
	return unsecret(text)
}

// unsecret is a text without the secrets that its form shows: those in URLs and JSON, and keys of providers.
func unsecret(text string) string {
	text = keyLike.ReplaceAllString(credentials.ReplaceAllString(text, "://"), withheld)
	return named.ReplaceAllString(text, "${1}"+withheld)
}

// credentials are the user and the password of a URL. The password may contain @.
var credentials = regexp.MustCompile(`://[^/\s"'<>]*@`) // constant

// keyLike matches what providers issue as keys, wherever a program prints one.
var keyLike = regexp.MustCompile(`\b(hf_|sk-|nvapi-|ghp_|github_pat_)[A-Za-z0-9_-]{8,}`) // constant

// named matches a secret behind its name: "api_key": "S" in JSON, password=S, and Bearer S.
var named = regexp.MustCompile(`(?i)(` + // constant
	`["'](?:\w*[_-])?(?:(?:api|access|secret|private|account)_?key|token|secret|passwd|password|passphrase)` +
	`\\*["']\s*:\s*\\*["']|` +
	`\b(?:password|passwd|api_?key|access_token|secret_key|client_secret)=|` +
	`\bbearer |\bauthorization: basic )` +
	`[^\s&;,"'$()\\]{4,}`)

func addSecrets(secrets map[string]bool, s Service) {
	for _, at := range secretArguments(s.Argv) {
		option, value, joined := strings.Cut(s.Argv[at], "=")
		if !joined {
			value = option
		}
		secrets[value] = true
	}
	for _, variables := range []map[string]string{s.Variables, valuesOf(s.Env)} {
		for name, value := range variables {
			if _, reference := profile.Reference(value); !reference && isSecret(name, value) {
				secrets[value] = true
			}
		}
	}
}
