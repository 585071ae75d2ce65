package artifacts

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"topobench/internal/aiperf"
)

// Deployment is deployment_config.json: upstream's eleven keys in upstream's
// order, then ours. Keys of the other mode are 0.
type Deployment struct {
	Kind      string `json:"kind" help:"first half of the label, which is kind_mode"`
	Model     string `json:"model" help:"model of the requests"`
	ISL       int    `json:"input_sequence_length" help:"tokens of a prompt"`
	OSL       int    `json:"output_sequence_length" help:"tokens of an answer"`
	TP        int    `json:"tensor_parallelism" help:"GPUs of an aggregated worker; 0 if disaggregated"`
	DP        int    `json:"data_parallelism" help:"aggregated workers"`
	PrefillTP int    `json:"prefill_tensor_parallelism" help:"GPUs of a prefill worker; 0 if aggregated"`
	PrefillDP int    `json:"prefill_data_parallelism" help:"prefill workers"`
	DecodeTP  int    `json:"decode_tensor_parallelism" help:"GPUs of a decode worker; 0 if aggregated"`
	DecodeDP  int    `json:"decode_data_parallelism" help:"decode workers"`
	Mode      string `json:"mode" help:"aggregated or disaggregated; the last of upstream's keys"`

	Name      string   `json:"name,omitempty" help:"name of the profile"`
	Engine    string   `json:"engine,omitempty" help:"dynamo, vllm, mocker or command"`
	Simulated bool     `json:"simulated,omitempty" help:"true if the engine computes nothing"`
	NumGPUs   int      `json:"num_gpus,omitempty" help:"GPUs by which the throughput is divided"`
	Workers   []Worker `json:"workers,omitempty" help:"the workers as they are, which the parallelisms may only sum up"`

	Round int    `json:"round,omitempty" help:"round of the launch, from 1; each round is one pair"`
	Arm   string `json:"arm,omitempty" help:"A or B if the run measured one profile twice"`

	Adaptive *Adaptive `json:"adaptive,omitempty" help:"launch of run --precision"`

	Settings Values `json:"settings,omitempty" help:"engine settings by name, which are compared between the sides"`
	Load     *Load  `json:"load,omitempty" help:"the planned requests of every cell"`

	// Variables are nil in files that do not record them.
	Variables Values `json:"variables,omitzero" help:"variables of the workers that can change speed, without secrets"`
	Programs  Values `json:"programs,omitempty" help:"versions of the programs"`
	Machine   Values `json:"machine,omitempty" help:"GPU model, memory, power limit and its default, driver and host"`
}

// Adaptive marks a launch of a run that chose its cells and the number of its rounds. Its interval is Stein's, over the
// rounds from the greatest First of its launches on.
type Adaptive struct {
	Run       string  `json:"run" help:"id of the run"`
	At        float64 `json:"at" help:"tokens/s/user of the ratio"`
	Precision float64 `json:"precision" help:"half width of the interval that the run was to reach, 0.03 = 3 %"`
	Search    bool    `json:"search,omitempty" help:"true if the launch only chose the concurrencies"`
	First     int     `json:"first_round,omitempty" help:"round in which the interval begins; earlier ones missed at"`
}

// Load is the plan for the requests of every cell. Counts are multiples of the cell's concurrency. With
// FreshPrompts the seed of a cell is Seed plus its concurrency. Extra is as planned: topobench drops nvext
// where the server refuses it, and the export of a cell has the extra inputs that were sent.
type Load struct {
	Seed         int  `json:"random_seed" help:"seed of the prompts"`
	FreshPrompts bool `json:"fresh_prompts" help:"true if each cell has a seed of its own"`
	Requests     int  `json:"requests_per_concurrency" help:"requests of a cell, divided by its concurrency"`

	Warmup int `json:"warmup_requests_per_concurrency" help:"warm-up requests of a cell, divided by its concurrency"`

	Extra []string `json:"extra_inputs,omitempty" help:"further fields of the request body, as planned"`
	Args  []string `json:"args,omitempty" help:"further arguments of aiperf, from load.args of the profile"`
}

// Arguments are the further arguments of aiperf, "--option value, --option value", sorted; "none" without one.
func (l Load) Arguments() string {
	var options []string
	for _, arg := range l.Args {
		if last := len(options) - 1; last >= 0 && !strings.HasPrefix(arg, "-") {
			options[last] += " " + arg
		} else {
			options = append(options, arg)
		}
	}
	slices.Sort(options)
	return cmp.Or(strings.Join(options, ", "), "none")
}

// ExtraInputs are the planned extra inputs, written as the function ExtraInputs writes those of an export.
func (l Load) ExtraInputs() string {
	inputs := map[string]string{}
	for _, extra := range l.Extra {
		var object map[string]jsontext.Value // {"nvext":{"ignore_eos":true}}
		if json.Unmarshal([]byte(extra), &object) != nil {
			key, value, _ := strings.Cut(extra, ":")
			inputs[key] = value
		}
		for key, value := range object {
			inputs[key] = value.String()
		}
	}
	return ExtraInputs(inputs)
}

// ExtraInputs writes extra inputs, from key to JSON text, as "key:value, key:value", sorted.
func ExtraInputs(inputs map[string]string) string {
	var texts []string
	for key, value := range inputs {
		text := jsontext.Value(value)
		if text.Canonicalize() == nil { // 1.50e1 and 15 are one number
			value = text.String()
		}
		texts = append(texts, key+":"+value)
	}
	slices.Sort(texts)
	return strings.Join(texts, ", ")
}

// Worker is one GPU-pinned process of a deployment.
type Worker struct {
	Role    string `json:"role" help:"prefill, decode or aggregated"`
	Devices []int  `json:"cuda_visible_devices,omitempty" help:"GPUs of the worker"`
	TP      int    `json:"tensor_parallel" help:"as in the profile"`
	DP      int    `json:"data_parallel" help:"as in the profile"`
	PP      int    `json:"pipeline_parallel,omitempty" help:"as in the profile; absent if 1"`
	Host    string `json:"host,omitempty" help:"machine of the worker; absent if it is this one"`
}

// Label names the series on the chart, as upstream does: kind_mode.
func (d Deployment) Label() string { return d.Kind + "_" + d.Mode }

// GPUs is the divisor of the throughput, by the formula of upstream's plot_pareto.py: TP x DP,
// summed over both roles if disaggregated. A role without GPUs is an error. A different
// num_gpus is an error too, unless workers shows that roles share GPUs; then num_gpus counts.
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
			const fault = "cannot count GPUs: prefill %d x %d and decode %d x %d (tensor x data parallelism); " +
				"both need GPUs"
			return 0, fmt.Errorf(fault, d.PrefillTP, d.PrefillDP, d.DecodeTP, d.DecodeDP)
		}
		gpus = prefill + decode
	default:
		return 0, fmt.Errorf("cannot count GPUs: mode %q is neither aggregated nor disaggregated", d.Mode)
	}
	if d.NumGPUs != 0 && d.NumGPUs == d.distinct() {
		return d.NumGPUs, nil
	}
	if d.NumGPUs != 0 && d.NumGPUs != gpus {
		return 0, fmt.Errorf("cannot count GPUs: num_gpus is %d, but the parallelism gives %d", d.NumGPUs, gpus)
	}
	return gpus, nil
}

// distinct counts the different GPUs of the workers.
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

// ReadDeployment reads a deployment_config.json. The error is one *aiperf.FileError, several
// joined, or the file system's.
func ReadDeployment(path string) (Deployment, error) {
	data, err := aiperf.ReadFile(path)
	if err != nil {
		return Deployment{}, err
	}
	return ParseDeployment(path, data)
}

// ParseDeployment reads the bytes of a deployment_config.json; path is for errors. It skips
// unknown keys, and null is a value of the wrong type. Kind, model, mode, both lengths and
// the parallelism of the mode are required; the error names all missing keys.
func ParseDeployment(path string, data []byte) (Deployment, error) {
	var d Deployment
	if err := aiperf.DecodeWith(withoutNull, path, data, &d); err != nil {
		return Deployment{}, err
	}
	var keys map[string]jsontext.Value
	if err := aiperf.Decode(path, data, &keys); err != nil {
		return Deployment{}, err
	}
	var missing []error
	for _, key := range required(d.Mode) {
		if _, found := keys[key]; !found {
			missing = append(missing, &aiperf.FileError{Path: path, Key: "/" + key, Err: aiperf.ErrNoKey})
		}
	}
	if len(missing) > 0 {
		return Deployment{}, errors.Join(missing...)
	}
	return d, nil
}

// withoutNull refuses null.
var withoutNull = json.JoinUnmarshalers(json.UnmarshalFromFunc(refuseNull), aiperf.Counts) // constant

func refuseNull(dec *jsontext.Decoder, _ any) error {
	if dec.PeekKind() == 'n' {
		return aiperf.ErrType
	}
	return errors.ErrUnsupported // makes the library try the next function
}

func required(mode string) []string {
	keys := []string{"kind", "model", "mode", "input_sequence_length", "output_sequence_length"}
	if mode == "disaggregated" {
		return append(keys, "prefill_tensor_parallelism", "prefill_data_parallelism",
			"decode_tensor_parallelism", "decode_data_parallelism")
	}
	return append(keys, "tensor_parallelism", "data_parallelism")
}
