package plan

import (
	"fmt"
	"strconv"
	"strings"

	"topobench/internal/profile"
)

// promptSlack is what a chat template adds to a prompt, in tokens, and the
// little by which a synthetic prompt misses its length.
const promptSlack = 64

// fits refuses a load that the engines would answer with 400, request by
// request. A limit that is no number, such as auto, is not looked at.
func fits(p profile.Profile, plan Plan) error {
	need := p.Load.ISL + p.Load.OSL + promptSlack
	for _, s := range plan.Services {
		if !s.Role.Worker() {
			continue
		}
		limit := tokens(option(s.Argv, "max-model-len"))
		if limit > 0 && limit < need {
			return fmt.Errorf("%s: a request has up to %d tokens (isl %d, osl %d, %d for the chat template), but %s takes --max-model-len %d: raise that in engine_args, or lower isl or osl",
				p.Source, need, p.Load.ISL, p.Load.OSL, promptSlack, s.Name, limit)
		}
	}
	return nil
}

// tokens reads a number as vLLM does: 2k is 2000, 2K is 2048; 0 = no number.
func tokens(text string) int {
	scale := 1.0
	for suffix, factor := range map[string]float64{"k": 1000, "m": 1e6, "K": 1 << 10, "M": 1 << 20} {
		if rest, found := strings.CutSuffix(text, suffix); found {
			text, scale = rest, factor
			break
		}
	}
	n, err := strconv.ParseFloat(text, 32)
	if err != nil {
		return 0
	}
	return int(n * scale)
}
