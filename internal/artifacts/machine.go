package artifacts

import (
	"github.com/go-json-experiment/json"

	"topobench/internal/aiperf"
)

// GPUModelOf is the GPU model that a deployment_config.json has in machine, or empty.
func GPUModelOf(path string) string {
	var d struct {
		Machine map[string]string `json:"machine"`
	}
	data, err := aiperf.ReadFile(path)
	if err != nil || json.Unmarshal(data, &d) != nil {
		return ""
	}
	return d.Machine["GPU model"]
}
