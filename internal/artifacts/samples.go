package artifacts

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// SamplesName is the file in a published cell with the samples of its GPUs and engines.
const SamplesName = "samples.jsonl.gz"

// Sample is a line of samples.jsonl.gz: the GPUs or the engines at one moment. A value that the driver or an engine
// does not report is nil, and never 0.
type Sample struct {
	T       float64        `json:"t" help:"seconds since the cell began"`
	GPUs    []GPUSample    `json:"gpus,omitempty" help:"GPUs of the topology"`
	Engines []EngineSample `json:"engines,omitempty" help:"workers of the topology"`
}

// GPUSample is one GPU.
type GPUSample struct {
	Host   string   `json:"host,omitempty" help:"its machine; absent = that of the load generator"`
	Index  int      `json:"gpu" help:"its index"`
	Busy   *float64 `json:"busy,omitempty" help:"utilisation, in percent of the time"`
	Used   *float64 `json:"used_mib,omitempty" help:"memory in use, in MiB"`
	Watts  *float64 `json:"watts,omitempty" help:"power draw"`
	SM     *float64 `json:"sm_mhz,omitempty" help:"clock of the multiprocessors, in MHz"`
	Memory *float64 `json:"memory_mhz,omitempty" help:"clock of the memory, in MHz"`
	Slowed []string `json:"slowed,omitempty" help:"why the driver throttled its clocks"`
}

// EngineSample is one worker, by the gauges of its /metrics; several engines of one worker are added up.
type EngineSample struct {
	Service     string   `json:"service" help:"name of the worker"`
	Running     *float64 `json:"running,omitempty" help:"requests that it computes"`
	Waiting     *float64 `json:"waiting,omitempty" help:"requests in its queue"`
	KVUsage     *float64 `json:"kv_usage,omitempty" help:"share of its KV cache in use, 0 to 1; the fullest engine"`
	InFlight    *float64 `json:"in_flight,omitempty" help:"requests under way, running or waiting, by Dynamo"`
	Preemptions *float64 `json:"preemptions,omitempty" help:"requests that it has preempted since its start"`
}

// WriteSamples writes a new file, which Publish makes part of a cell.
func WriteSamples(path string, samples []Sample) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return Cannot("write", path, err)
	}
	packed, _ := gzip.NewWriterLevel(file, gzip.BestSpeed) // the level is valid
	lines := jsontext.NewEncoder(packed)                   // ends each value with a newline
	for _, s := range samples {
		if err == nil {
			err = json.MarshalEncode(lines, s)
		}
	}
	if err = errors.Join(err, packed.Close(), file.Close()); err != nil {
		return Cannot("write", path, err)
	}
	return nil
}

// ReadSamples reads the samples of a cell, in order of time. A missing file is fs.ErrNotExist.
func ReadSamples(path string) ([]Sample, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read samples: %w", err)
	}
	defer file.Close() // it was only read
	packed, err := gzip.NewReader(bufio.NewReader(file))
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", path, err)
	}
	var all []Sample
	for lines := jsontext.NewDecoder(packed); ; {
		var s Sample
		err := json.UnmarshalDecode(lines, &s)
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return all, fmt.Errorf("cannot read %s: %w", path, err)
		}
		all = append(all, s)
	}
}

// Power is what the GPUs of a cell drew while its requests were measured.
type Power struct {
	Watts   float64 `json:"watts_per_gpu" help:"mean over the GPUs and the samples"`
	Samples int     `json:"samples" help:"samples of each GPU"`
}

const (
	leastPower = 3   // samples that a mean of the power needs
	widestGap  = 5.0 // seconds between two of them: a mean of a part is no mean of the whole
)

// Device is a GPU of a topology.
type Device struct {
	Host  string // "" = the machine of the load generator
	Index int
}

// PowerOf is the mean power between two times of the samples, in seconds. It is nil if one of the devices has fewer
// than three samples there, or a gap.
func PowerOf(samples []Sample, devices []Device, from, to float64) *Power {
	p := Power{}
	for i, d := range devices {
		watts, n := meanPower(samples, d, from, to)
		if n < leastPower {
			return nil
		}
		p.Watts += watts / float64(len(devices))
		if i == 0 || n < p.Samples {
			p.Samples = n
		}
	}
	if p.Samples == 0 {
		return nil
	}
	return &p
}

// meanPower is that of one device, and the number of its samples; 0 if there is a gap.
func meanPower(samples []Sample, d Device, from, to float64) (watts float64, n int) {
	last := from
	for _, s := range samples {
		for _, g := range s.GPUs {
			if (Device{g.Host, g.Index}) != d || g.Watts == nil || s.T < from || s.T > to {
				continue
			}
			if s.T-last > widestGap {
				return 0, 0
			}
			watts, n, last = watts+*g.Watts, n+1, s.T
		}
	}
	if n == 0 || to-last > widestGap {
		return 0, 0
	}
	return watts / float64(n), n
}
