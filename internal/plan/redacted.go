package plan

import (
	"regexp"
	"strings"

	"topobench/internal/profile"
)

// hidden stands in place of a secret in a text that others read.
const hidden = "(secret)"

// keyLike matches what providers issue as keys, wherever a program prints one.
var keyLike = regexp.MustCompile(`\b(hf_|sk-|nvapi-|ghp_)[A-Za-z0-9_-]{8,}`) // constant

// shortestSecret keeps a secret of few characters, which no provider issues, from blanking words of a log.
const shortestSecret = 4

// Redacted is a text, such as a log or a script, without the secrets in the arguments and variables of services.
func Redacted(text string, plans ...Plan) string {
	var pairs []string
	for _, p := range plans {
		for _, s := range p.Services {
			for _, secret := range secretsOf(s) {
				if len(secret) >= shortestSecret {
					pairs = append(pairs, secret, hidden)
				}
			}
		}
	}
	text = strings.NewReplacer(pairs...).Replace(text)
	return credentials.ReplaceAllString(keyLike.ReplaceAllString(text, hidden), "://")
}

// secretsOf are the values that a name, or the value itself, makes secret: of --api-key S, --api-key=S and API_KEY=S.
func secretsOf(s Service) (secrets []string) {
	add := func(name, value string) {
		if _, reference := profile.Reference(value); !reference && isSecret(name, value) {
			secrets = append(secrets, value)
		}
	}
	for i, arg := range s.Argv {
		name, value, joined := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		if !joined && i+1 < len(s.Argv) && !strings.HasPrefix(s.Argv[i+1], "-") {
			value = s.Argv[i+1]
		}
		if strings.HasPrefix(arg, "--") {
			add(name, value)
		}
	}
	for _, variable := range s.Env {
		name, value, _ := strings.Cut(variable, "=")
		add(name, value)
	}
	return secrets
}
