package kube

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

const (
	longest = 63 // of a Service, and of the value of a label
	// longestComponent leaves room for a role and a number.
	longestComponent = 14
	// The operator names a component's Deployment and Service GRAPH-COMPONENT, and since 1.5 with a hash of eight
	// characters behind it.
	longestGraph = longest - 1 - longestComponent - 1 - 8
)

// name makes a name that every kind of object takes: at most so many letters, digits and dashes, a letter first. A
// longer one, and one with other characters, ends in a hash, so that two names stay unlike.
func name(most int, parts ...string) string {
	whole := strings.Join(parts, "-")
	short := strings.Trim(strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z' || '0' <= r && r <= '9':
			return r
		case 'A' <= r && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '-'
	}, whole), "-")
	if short == "" || short[0] < 'a' {
		short = strings.TrimRight("t-"+short, "-")
	}
	if short == whole && len(short) <= most {
		return short
	}
	sum := sha256.Sum256([]byte(whole))
	end := "-" + hex.EncodeToString(sum[:3])
	return strings.TrimRight(short[:min(len(short), most-len(end))], "-") + end
}

// JobName is the name of the Job of the load, which owns all objects of a run.
func JobName(run string) string { return name(longest, "topobench", run) }
