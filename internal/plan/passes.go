package plan

import (
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// privatePayload is the largest message of a private NATS, in bytes: 8 MiB is the most that NATS recommends, and its
// own 1 MiB is less than a long prompt needs.
const privatePayload = 8 << 20

// natsPayload is about how many bytes of a message NATS must take: Dynamo before 1.0 sends the ids of the tokens
// through it. 0 = no request goes through NATS.
func (b *builder) natsPayload() int {
	const idBytes, rest = 7, 1 << 10 // six digits and a comma; the other fields
	if b.rules.fileDiscovery {
		return 0
	}
	return idBytes*b.p.Load.ISL + rest
}

// natsConf plans the configuration of a private NATS, and returns its path. There is no argument for its one setting.
func (b *builder) natsConf() string {
	path := filepath.Join(Unplaced().Dir, "nats.conf")
	b.file(b.center(), path, "max_payload: "+strconv.Itoa(privatePayload)+"\n")
	return path
}

// checkBody refuses a load whose requests nginx would answer with 413.
func (b *builder) checkBody() {
	if b.p.Balancer == nil {
		return
	}
	for _, f := range b.plan.Files {
		if filepath.Base(f.Path) != nginxConfName {
			continue
		}
		remedy := "set balancer.config to tuned, which accepts 64 MiB, or lower isl"
		if b.p.Balancer.Config != "guide" {
			remedy = "raise its client_max_body_size, or lower isl"
		}
		if err := b.plan.Load.CheckBody(bodyLimit(f.Text), "nginx ("+b.p.Balancer.Config+")", remedy); err != nil {
			b.fault("%w", err)
		}
	}
}

// bodyLimit is the largest client_max_body_size of an nginx.conf, in bytes: the one of the location that counts is not
// known. nginx's default is 1 MiB, and 0 is no limit.
func bodyLimit(conf string) int {
	directive := regexp.MustCompile(`(?m)^[^#\n]*\bclient_max_body_size\s+(\d+)([kKmMgG]?)\s*;`)
	limits := directive.FindAllStringSubmatch(conf, -1)
	if len(limits) == 0 {
		return 1 << 20
	}
	most := 0
	for _, l := range limits {
		n, err := strconv.Atoi(l[1])
		n <<= map[string]int{"k": 10, "m": 20, "g": 30}[strings.ToLower(l[2])]
		if err != nil || n == 0 {
			return 0
		}
		most = max(most, n)
	}
	return most
}
