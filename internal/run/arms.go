package run

import "topobench/internal/preflight"

// Arms are a topology twice, for an A/A measurement. A run tells them apart by their names, and
// deployment_config.json keeps the name of the profile and has the arm. No profile has such a
// name: they have no capitals.
func Arms(t preflight.Topology) []preflight.Topology {
	var arms []preflight.Topology
	for _, arm := range []string{"A", "B"} {
		of := t
		of.Profile.Name += "-" + arm
		of.Plan.Name += "-" + arm
		of.Plan.Deployment.Arm = arm
		arms = append(arms, of)
	}
	return arms
}
