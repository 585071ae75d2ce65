package artifacts

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"topobench/internal/aiperf"
)

// Provenance is provenance.json: where the numbers of one launch come from.
type Provenance struct {
	Topobench string    `json:"topobench"`
	Run       string    `json:"run"`
	Name      string    `json:"name"`
	Launch    int       `json:"launch"`
	Order     int       `json:"order"`
	Begun     time.Time `json:"begun"`
	Ready     time.Time `json:"ready,omitzero"`
	Launched  float64   `json:"launch_seconds"`
	Engine    float64   `json:"engine_seconds"`

	Profile  ProfileText      `json:"profile"`
	Services []ServiceProcess `json:"services,omitempty"`
	Programs Values           `json:"programs,omitempty"`

	GPUs    []GPU    `json:"gpus,omitempty"`
	Links   []string `json:"gpu_links,omitempty"`
	Driver  string   `json:"driver,omitempty"`
	CUDA    string   `json:"cuda,omitempty"`
	Host    Values   `json:"host,omitempty"`
	Others  []string `json:"others,omitempty"`
	Missing []string `json:"missing,omitempty"`
}

// ProfileText is a profile as a person wrote it, and with all defaults.
type ProfileText struct {
	Source   string `json:"source"`
	Text     string `json:"text,omitempty"`
	Resolved string `json:"resolved"`
	Hash     string `json:"resolved_sha256"`
}

// ServiceProcess is how a service was started.
type ServiceProcess struct {
	Name        string   `json:"name"`
	Role        string   `json:"role"`
	Argv        []string `json:"argv"`
	Environment []string `json:"environment"`
	Devices     []int    `json:"cuda_visible_devices,omitempty"`
	ModelLoad   float64  `json:"model_load_seconds,omitzero"`
	Transport   []string `json:"transport,omitempty"`
}

// GPU is a GPU of a topology.
type GPU struct {
	Index   int    `json:"index"`
	UUID    string `json:"uuid"`
	Bus     string `json:"pci"`
	Name    string `json:"name"`
	Memory  string `json:"memory,omitempty"`
	Limit   string `json:"power_limit,omitempty"`
	Default string `json:"default_power_limit,omitempty"`
	Clocks  string `json:"clocks,omitempty"`
	MIG     string `json:"mig,omitempty"`
	Persist string `json:"persistence,omitempty"`
	Compute string `json:"compute_mode,omitempty"`
}

// ReadProvenance reads the files of an artifacts_N, in order of the launches.
func ReadProvenance(dir string) (all []Provenance, err error) {
	for number := 1; ; number++ {
		name := "provenance.json"
		if number > 1 {
			name = fmt.Sprintf("provenance-%d.json", number)
		}
		path := filepath.Join(dir, name)
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
		all = append(all, p)
	}
}

// SamplesName is the file in a published cell with the samples of its GPUs and engines.
const SamplesName = "samples.jsonl.gz"

// Sample is the GPUs or the engines at one moment. A value that was not reported is nil.
type Sample struct {
	T       float64        `json:"t"` // seconds since the cell began
	GPUs    []GPUSample    `json:"gpus,omitempty"`
	Engines []EngineSample `json:"engines,omitempty"`
}

// GPUSample is one GPU.
type GPUSample struct {
	Index  int      `json:"gpu"`
	Busy   *float64 `json:"busy,omitempty"`
	Used   *float64 `json:"used_mib,omitempty"`
	Watts  *float64 `json:"watts,omitempty"`
	SM     *float64 `json:"sm_mhz,omitempty"`
	Memory *float64 `json:"memory_mhz,omitempty"`
	Slowed []string `json:"slowed,omitempty"`
}

// EngineSample is one worker.
type EngineSample struct {
	Service     string   `json:"service"`
	Running     *float64 `json:"running,omitempty"`
	Waiting     *float64 `json:"waiting,omitempty"`
	KVUsage     *float64 `json:"kv_usage,omitempty"`
	InFlight    *float64 `json:"in_flight,omitempty"`
	Preemptions *float64 `json:"preemptions,omitempty"`
}

// ReadSamples reads the samples of a cell, in order of time. A missing file is fs.ErrNotExist.
func ReadSamples(path string) (all []Sample, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read samples: %w", err)
	}
	defer file.Close() // it was only read
	packed, err := gzip.NewReader(file)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", path, err)
	}
	for lines := jsontext.NewDecoder(packed); ; {
		var s Sample
		if err := json.UnmarshalDecode(lines, &s); err == io.EOF {
			return all, nil
		} else if err != nil {
			return all, fmt.Errorf("cannot read %s: %w", path, err)
		}
		all = append(all, s)
	}
}
