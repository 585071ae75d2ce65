package artifacts

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"topobench/internal/aiperf"
)

// ProvenanceSchema is the version of the keys of a Provenance. A reader takes this version and older ones.
const ProvenanceSchema = 1

// Provenance is provenance.json: where the numbers of one launch come from. A fact that the machine does not show is
// absent. A launch that follows in the same artifacts_N has provenance-2.json.
type Provenance struct {
	Schema    int    `json:"schema" help:"version of these keys"`
	Topobench string `json:"topobench" help:"release or commit of topobench"`
	Run       string `json:"run" help:"id of the run"`
	Name      string `json:"name" help:"name of the profile"`
	Round     int    `json:"round" help:"round of the run, from 1"`
	Launch    int    `json:"launch" help:"2 after a restart of the topology"`
	Order     int    `json:"order" help:"place of the launch in the run, from 1"`

	Begun    time.Time `json:"begun" help:"when the launch began"`
	Ready    time.Time `json:"ready,omitzero" help:"when its load could begin; absent if it did not come up"`
	Launched float64   `json:"launch_seconds" help:"to start the processes"`
	Engine   float64   `json:"engine_seconds" help:"until all services were ready; a cold launch takes longer"`

	Profile  ProfileText      `json:"profile" help:"the profile"`
	Load     *Load            `json:"load,omitempty" help:"the planned requests, with their seed"`
	Services []ServiceProcess `json:"services,omitempty" help:"the services, in order of start"`
	Programs Values           `json:"programs,omitempty" help:"versions of the programs"`

	GPUs    []GPU    `json:"gpus,omitempty" help:"GPUs of the topology"`
	Links   []string `json:"gpu_links,omitempty" help:"links between all GPUs, as nvidia-smi topo -m prints them"`
	Driver  string   `json:"driver,omitempty" help:"version of the GPU driver"`
	CUDA    string   `json:"cuda,omitempty" help:"newest CUDA that the driver supports"`
	Host    Values   `json:"host,omitempty" help:"name, CPU, NUMA nodes, kernel, governor and cgroup of the machine"`
	Hosts   []Host   `json:"hosts,omitempty" help:"the other machines of the launch"`
	Cluster *Cluster `json:"cluster,omitempty" help:"the cluster of a launch on Kubernetes"`

	Others []string `json:"others,omitempty" help:"other users of the GPUs and of the CPUs while the engines started"`

	Facts   Values   `json:"facts" help:"the facts by which plot compares launches"`
	Missing []string `json:"missing,omitempty" help:"facts that could not be collected, and why"`
}

// ProfileText is a profile as a person wrote it, and with all defaults.
type ProfileText struct {
	Source   string `json:"source" help:"its path, or built-in NAME"`
	Text     string `json:"text,omitempty" help:"the file, verbatim"`
	SHA256   string `json:"sha256,omitempty" help:"of the text"`
	Resolved string `json:"resolved" help:"YAML with flags and defaults filled in"`
	Hash     string `json:"resolved_sha256" help:"SHA-256 of the resolved profile"`
}

// ServiceProcess is how a service was started. Environment has every variable, and the values of those that
// topobench, the profile or a recorded prefix sets.
type ServiceProcess struct {
	Name        string   `json:"name" help:"name of the service"`
	Role        string   `json:"role" help:"its role"`
	Host        string   `json:"host,omitempty" help:"its machine in the profile"`
	Argv        []string `json:"argv" help:"its command; a secret is (secret)"`
	Environment []string `json:"environment" help:"NAME=value; (secret) or (inherited) instead of a withheld value"`
	Devices     []int    `json:"cuda_visible_devices,omitempty" help:"its GPUs"`
	ModelLoad   float64  `json:"model_load_seconds,omitzero" help:"to load the model, by its log"`
	Transport   []string `json:"transport,omitempty" help:"transports that UCX chose for the KV cache, by its log"`
}

// Host is a machine of a launch beside the one that sends the load.
type Host struct {
	Name      string  `json:"name" help:"its name in the profile"`
	Hostname  string  `json:"hostname" help:"its own name"`
	Address   string  `json:"address" help:"its address for the others"`
	Transport string  `json:"transport" help:"ssh or slurm"`
	Topobench string  `json:"topobench" help:"release or commit of topobench there"`
	Offset    float64 `json:"clock_offset_seconds" help:"its clock minus that of the machine that sends the load"`
	Facts     Values  `json:"facts,omitempty" help:"its CPU, NUMA nodes, kernel, governor and cgroup"`
	Driver    string  `json:"driver,omitempty" help:"version of its GPU driver"`
	// Links are as nvidia-smi topo -m prints them.
	Links []string `json:"gpu_links,omitempty" help:"links between all its GPUs"`
}

// GPU is a GPU of a topology.
type GPU struct {
	Host    string `json:"host,omitempty" help:"its machine in the profile; absent = the one that sends the load"`
	Index   int    `json:"index" help:"its index"`
	UUID    string `json:"uuid" help:"its UUID"`
	Bus     string `json:"pci" help:"its PCI id"`
	Name    string `json:"name" help:"its model"`
	Memory  string `json:"memory,omitempty" help:"its memory"`
	Limit   string `json:"power_limit,omitempty" help:"its power limit"`
	Default string `json:"default_power_limit,omitempty" help:"the power limit of its model"`
	Clocks  string `json:"clocks,omitempty" help:"highest clocks, and application clocks if they are set"`
	MIG     string `json:"mig,omitempty" help:"Enabled or Disabled"`
	Persist string `json:"persistence,omitempty" help:"persistence mode, Enabled or Disabled"`
	Compute string `json:"compute_mode,omitempty" help:"Default, Exclusive_Process or Prohibited"`
}

// Cluster is a cluster of Kubernetes, and where the pods of a launch ran on it.
type Cluster struct {
	Server   string `json:"server" help:"version of the API server"`
	Created  string `json:"created" help:"the objects as topobench created them, a file of the run's directory"`
	Admitted string `json:"admitted,omitempty" help:"the objects and the pods as the cluster had them, another one"`
	Pods     []Pod  `json:"pods" help:"the pods of the topology"`
	Nodes    []Node `json:"nodes,omitempty" help:"the nodes of the pods; absent if the user may not read them"`
}

// Pod is a pod of a topology.
type Pod struct {
	Name   string   `json:"name" help:"its name"`
	Role   string   `json:"role" help:"its role"`
	Node   string   `json:"node" help:"its node"`
	Images []string `json:"images" help:"REPOSITORY@sha256:DIGEST, or name and id of an image that no registry has"`
}

// Node is a node of a cluster.
type Node struct {
	Name   string `json:"name" help:"its name"`
	Facts  Values `json:"facts" help:"its GPUs, driver, kernel, container runtime and instance type"`
	Labels Values `json:"labels,omitempty" help:"its labels below nvidia.com, and its instance type"`
}

// ProvenanceName is the file of the number-th launch of an artifacts_N, from 1.
func ProvenanceName(number int) string {
	if number == 1 {
		return "provenance.json"
	}
	return fmt.Sprintf("provenance-%d.json", number)
}

// WriteProvenance writes p as the next file of an artifacts_N.
func WriteProvenance(dir string, p Provenance) error {
	p.Schema = ProvenanceSchema
	data, err := json.Marshal(p, jsontext.WithIndent("  "), json.Deterministic(true))
	if err != nil {
		return fmt.Errorf("cannot write the provenance of %s: %w", p.Name, err)
	}
	for number := 1; ; number++ {
		path := filepath.Join(dir, ProvenanceName(number))
		if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
			return WriteFile(path, append(data, '\n'), 0o644)
		} else if err != nil {
			return Cannot("write", path, err)
		}
	}
}

// ReadProvenance reads the files of an artifacts_N, in order of the launches. A tree of others has none. It skips
// unknown keys; a newer schema is an error.
func ReadProvenance(dir string) ([]Provenance, error) {
	var all []Provenance
	for number := 1; ; number++ {
		path := filepath.Join(dir, ProvenanceName(number))
		data, err := aiperf.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return all, nil
		}
		var p Provenance
		if err == nil {
			err = aiperf.Decode(path, data, &p)
		}
		if err != nil {
			return all, err
		}
		if p.Schema > ProvenanceSchema {
			return all, fmt.Errorf("cannot read %s: it has schema %d, and this topobench reads up to %d; "+
				"use a newer topobench", path, p.Schema, ProvenanceSchema)
		}
		all = append(all, p)
	}
}

// factsOf are the facts of all launches by which an artifacts_N is compared. Launches that differ are both named:
// "NVIDIA 580 or NVIDIA 590".
func factsOf(launches []Provenance) Values {
	facts := Values{}
	for _, p := range launches {
		for name, value := range p.Facts {
			if have := facts[name]; have == "" {
				facts[name] = value
			} else if !strings.Contains(" or "+have+" or ", " or "+value+" or ") {
				facts[name] += " or " + value
			}
		}
	}
	return facts
}

// addFacts adds the provenance of an artifacts_N to its machine, for comparison. A fact that deployment_config.json has
// stays. Launches without a machine of their own are compared without it.
func (d *Deployment) addFacts(dir string) error {
	launches, err := ReadProvenance(dir)
	if d.Machine == nil {
		return err
	}
	for name, value := range factsOf(launches) {
		d.Machine[name] = cmp.Or(d.Machine[name], value)
	}
	return err
}
