package artifacts

import (
	"reflect"
	"strings"
	"time"
)

// DeploymentKeys are the keys of deployment_config.json in their order, each with its
// meaning. Keys below another one are joined with a dot.
func DeploymentKeys() [][2]string { return jsonKeys(reflect.TypeFor[Deployment](), "") }

// SidecarKeys are the keys of topobench.json, each with its meaning.
func SidecarKeys() [][2]string {
	return append(jsonKeys(reflect.TypeFor[sidecar](), ""), [2]string{"run", "id of the run"})
}

// ProvenanceKeys are the keys of provenance.json, each with its meaning.
func ProvenanceKeys() [][2]string { return jsonKeys(reflect.TypeFor[Provenance](), "") }

// SampleKeys are the keys of a line of samples.jsonl.gz, each with its meaning.
func SampleKeys() [][2]string { return jsonKeys(reflect.TypeFor[Sample](), "") }

// jsonKeys lists the keys of a struct with their help tags. Those of structs in it and in its lists follow.
func jsonKeys(t reflect.Type, parent string) (keys [][2]string) {
	for field := range t.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		name = parent + name
		keys = append(keys, [2]string{name, field.Tag.Get("help")})
		below := field.Type
		if below.Kind() == reflect.Slice || below.Kind() == reflect.Pointer {
			below = below.Elem()
		}
		if below.Kind() == reflect.Struct && below != reflect.TypeFor[time.Time]() {
			keys = append(keys, jsonKeys(below, name+".")...)
		}
	}
	return keys
}
