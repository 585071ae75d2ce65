package result

import (
	"errors"
	"fmt"
)

// deploymentName is the file that perf.sh writes into artifacts_N.
const deploymentName = "deployment_config.json"

// Deployment is deployment_config.json: upstream's eleven keys in upstream's
// order, then ours. What a mode does not use is 0.
type Deployment struct {
	Kind      string `json:"kind"`
	Model     string `json:"model"`
	ISL       int    `json:"input_sequence_length"`  // tokens
	OSL       int    `json:"output_sequence_length"` // tokens
	TP        int    `json:"tensor_parallelism"`     // GPUs of a worker
	DP        int    `json:"data_parallelism"`       // workers
	PrefillTP int    `json:"prefill_tensor_parallelism"`
	PrefillDP int    `json:"prefill_data_parallelism"`
	DecodeTP  int    `json:"decode_tensor_parallelism"`
	DecodeDP  int    `json:"decode_data_parallelism"`
	Mode      string `json:"mode"` // aggregated or disaggregated

	Name      string   `json:"name,omitempty"`
	Engine    string   `json:"engine,omitempty"`
	Simulated bool     `json:"simulated,omitempty"`
	NumGPUs   int      `json:"num_gpus,omitempty"`
	Workers   []Worker `json:"workers,omitempty"`

	Settings map[string]string `json:"settings,omitempty"` // of the engine; see Side
	Load     *Load             `json:"load,omitempty"`
}

// Load is the plan for the requests of every cell. Counts are multiples of the cell's concurrency. With
// FreshPrompts the seed of a cell is Seed plus its concurrency. Extra is as planned: topobench drops nvext
// where the server refuses it, and the export of a cell has the extra inputs that were sent.
type Load struct {
	Seed         int      `json:"random_seed"`
	FreshPrompts bool     `json:"fresh_prompts"`
	Requests     int      `json:"requests_per_concurrency"`
	Warmup       int      `json:"warmup_requests_per_concurrency"`
	Extra        []string `json:"extra_inputs"` // as in aiperf's --extra-inputs
}

// Worker is one GPU-pinned process of a deployment.
type Worker struct {
	Role    string `json:"role"` // prefill, decode or aggregated
	Devices []int  `json:"cuda_visible_devices,omitempty"`
	TP      int    `json:"tensor_parallel"`
	DP      int    `json:"data_parallel"`
	Host    string `json:"host,omitempty"`
}

// Label names the series on the chart, as upstream does: kind_mode.
func (d Deployment) Label() string { return d.Kind + "_" + d.Mode }

// GPUs is the number the throughput is divided by, with the formula of
// upstream's plot_pareto.py: TP x DP, summed over both roles if disaggregated.
// A role without GPUs is an error, and so is a num_gpus that says otherwise,
// unless workers shows that two roles share GPUs: then num_gpus is the truth.
func (d Deployment) GPUs() (int, error) {
	var gpus int
	switch d.Mode {
	case "aggregated":
		gpus = d.TP * d.DP
		if gpus <= 0 {
			return 0, fmt.Errorf("cannot count GPUs: tensor_parallelism %d x data_parallelism %d", d.TP, d.DP)
		}
	case "disaggregated":
		prefill, decode := d.PrefillTP*d.PrefillDP, d.DecodeTP*d.DecodeDP
		if prefill <= 0 || decode <= 0 {
			return 0, fmt.Errorf("cannot count GPUs: prefill %d x %d and decode %d x %d (tensor x data parallelism); both need GPUs",
				d.PrefillTP, d.PrefillDP, d.DecodeTP, d.DecodeDP)
		}
		gpus = prefill + decode
	default:
		return 0, fmt.Errorf("cannot count GPUs: mode %q is neither aggregated nor disaggregated", d.Mode)
	}
	if d.NumGPUs != 0 && d.NumGPUs == d.distinct() {
		return d.NumGPUs, nil
	}
	if d.NumGPUs != 0 && d.NumGPUs != gpus {
		return 0, fmt.Errorf("cannot count GPUs: num_gpus says %d, the parallelism %d", d.NumGPUs, gpus)
	}
	return gpus, nil
}

// distinct counts the GPUs that workers names, 0 if it names none.
func (d Deployment) distinct() int {
	type gpu struct {
		host   string
		device int
	}
	seen := map[gpu]bool{}
	for _, w := range d.Workers {
		for _, device := range w.Devices {
			seen[gpu{w.Host, device}] = true
		}
	}
	return len(seen)
}

// ReadDeployment reads a deployment_config.json. The error is one *FileError
// or several joined, or the file system's.
func ReadDeployment(path string) (Deployment, error) {
	data, err := new(buffer).load(path)
	if err != nil {
		return Deployment{}, err
	}
	return ParseDeployment(path, data)
}

// ParseDeployment reads the bytes of a deployment_config.json; path is for
// errors. Unknown keys are skipped. Required are kind, model, mode, both
// lengths and the parallelism of the mode; all that lack are reported at once.
func ParseDeployment(path string, data []byte) (Deployment, error) {
	var d Deployment
	seen := map[string]bool{}
	err := parse(path, data, func(doc *document) error { return d.read(doc, seen) })
	if err != nil {
		return Deployment{}, err
	}
	var missing []error
	for _, key := range required(d.Mode) {
		if !seen[key] {
			missing = append(missing, &FileError{Path: path, Key: "/" + key, Err: ErrNoKey})
		}
	}
	if len(missing) > 0 {
		return Deployment{}, errors.Join(missing...)
	}
	return d, nil
}

func required(mode string) []string {
	keys := []string{"kind", "model", "mode", "input_sequence_length", "output_sequence_length"}
	if mode == "disaggregated" {
		return append(keys, "prefill_tensor_parallelism", "prefill_data_parallelism",
			"decode_tensor_parallelism", "decode_data_parallelism")
	}
	return append(keys, "tensor_parallelism", "data_parallelism")
}

// read reads the document and notes the keys it saw.
func (d *Deployment) read(doc *document, seen map[string]bool) error {
	worker := func() error {
		d.Workers = append(d.Workers, Worker{})
		return d.Workers[len(d.Workers)-1].read(doc)
	}
	setting := func(name string) (err error) {
		if d.Settings == nil { // an empty object is none
			d.Settings = map[string]string{}
		}
		d.Settings[name], err = doc.text()
		return err
	}
	return doc.fields(map[string]any{
		"kind":                       &d.Kind,
		"model":                      &d.Model,
		"input_sequence_length":      &d.ISL,
		"output_sequence_length":     &d.OSL,
		"tensor_parallelism":         &d.TP,
		"data_parallelism":           &d.DP,
		"prefill_tensor_parallelism": &d.PrefillTP,
		"prefill_data_parallelism":   &d.PrefillDP,
		"decode_tensor_parallelism":  &d.DecodeTP,
		"decode_data_parallelism":    &d.DecodeDP,
		"mode":                       &d.Mode,
		"name":                       &d.Name,
		"engine":                     &d.Engine,
		"simulated":                  &d.Simulated,
		"num_gpus":                   &d.NumGPUs,
		"workers":                    func() error { return doc.array(worker) },
		"settings":                   func() error { return doc.object(setting) },
		"load": func() error {
			d.Load = &Load{}
			return d.Load.read(doc)
		},
	}, seen)
}

func (l *Load) read(doc *document) error {
	extra := func() error {
		text, err := doc.text()
		l.Extra = append(l.Extra, text)
		return err
	}
	return doc.fields(map[string]any{
		"random_seed":                     &l.Seed,
		"fresh_prompts":                   &l.FreshPrompts,
		"requests_per_concurrency":        &l.Requests,
		"warmup_requests_per_concurrency": &l.Warmup,
		"extra_inputs":                    func() error { return doc.array(extra) },
	}, map[string]bool{})
}

func (w *Worker) read(doc *document) error {
	device := func() error {
		n, err := doc.count()
		w.Devices = append(w.Devices, n)
		return err
	}
	return doc.fields(map[string]any{
		"role":                 &w.Role,
		"cuda_visible_devices": func() error { return doc.array(device) },
		"tensor_parallel":      &w.TP,
		"data_parallel":        &w.DP,
		"host":                 &w.Host,
	}, map[string]bool{})
}
