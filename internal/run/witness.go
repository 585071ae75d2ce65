package run

import (
	"context"

	"topobench/internal/deploy"
	"topobench/internal/plan"
)

// witnesses takes down how things are before a launch, and returns who says at the
// end of the teardown whether they are so again. An error is a reason not to launch.
func (c *Campaign) witnesses(ctx context.Context, p plan.Plan) ([]deploy.Witness, error) {
	left, err := c.leftovers()
	if err != nil {
		return nil, err
	}
	gpu, err := c.gpuWitness(ctx, p)
	return append(left, gpu...), err
}
