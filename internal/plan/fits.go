package plan

import (
	"fmt"
	"strconv"

	"topobench/internal/profile"
)

// promptSlack is what a chat template adds to a prompt, in tokens, and the
// little by which a synthetic prompt misses its length.
const promptSlack = 64

// fits refuses a load that the engines would answer with 400, request by
// request. A limit that is not a plain number, such as 4k or auto, is not
// looked at.
func fits(p profile.Profile, plan Plan) error {
	need := p.Load.ISL + p.Load.OSL + promptSlack
	for _, s := range plan.Services {
		if !s.Role.Worker() {
			continue
		}
		limit, err := strconv.Atoi(option(s.Argv, "max-model-len"))
		if err == nil && limit > 0 && limit < need {
			return fmt.Errorf("%s: a request has up to %d tokens (isl %d, osl %d, %d for the chat template), but %s takes --max-model-len %d: raise that in engine_args, or lower isl or osl",
				p.Source, need, p.Load.ISL, p.Load.OSL, promptSlack, s.Name, limit)
		}
	}
	return nil
}
