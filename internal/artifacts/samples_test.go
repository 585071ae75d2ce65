package artifacts

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func number(v float64) *float64 { return &v }

func TestSamplesReadBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), SamplesName)
	want := []Sample{
		{T: 0.5, GPUs: []GPUSample{{Index: 0, Busy: number(0), Watts: number(512.3), Slowed: []string{"power cap"}}, {Index: 1}}},
		{T: 1, GPUs: []GPUSample{{Host: "node1", Index: 0, Watts: number(70)}}},
		{T: 1.25, Engines: []EngineSample{{Service: "decode-0", Running: number(3), KVUsage: number(0)}}},
	}
	if err := WriteSamples(path, want); err != nil {
		t.Fatal(err)
	}
	got, err := ReadSamples(path)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v, want (-), got (+):\n%s", err, diff)
	}
	if err := WriteSamples(path, want); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a file of another attempt is written over: %v", err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data[:len(data)-12], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadSamples(path); err == nil {
		t.Error("a torn file has no fault")
	}
	if _, err := ReadSamples(path + "x"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
}

// on is samples as those of another machine.
func on(host string, samples []Sample) (all []Sample) {
	for _, s := range samples {
		s.GPUs = slices.Clone(s.GPUs)
		for i := range s.GPUs {
			s.GPUs[i].Host = host
		}
		all = append(all, s)
	}
	return all
}

// A mean is of all GPUs and of the time of the requests; one that is not known is none.
func TestPowerOfTheRequests(t *testing.T) {
	at := func(seconds float64, watts ...*float64) Sample {
		s := Sample{T: seconds}
		for i, w := range watts {
			s.GPUs = append(s.GPUs, GPUSample{Index: i, Watts: w})
		}
		return s
	}
	idle, low, high := number(70), number(300), number(500)
	var gap []Sample
	for i := range 20 {
		if i < 5 || i > 10 {
			gap = append(gap, at(float64(i), low))
		}
	}
	all := []Sample{at(0, idle, idle), at(1, low, high), at(2, low, high), at(3, low, high), at(4, idle, idle)}
	for _, row := range []struct {
		why      string
		samples  []Sample
		devices  []Device
		from, to float64
		want     *Power
	}{
		{"without the start and the end of the client", all, []Device{{Index: 0}, {Index: 1}}, 0.5, 3.5, &Power{Watts: 400, Samples: 3}},
		{"one of the GPUs", all, []Device{{Index: 1}}, 0.5, 3.5, &Power{Watts: 500, Samples: 3}},
		{"two samples are no mean", all, []Device{{Index: 0}, {Index: 1}}, 1.5, 3.5, nil},
		{"a GPU without samples", all, []Device{{Index: 0}, {Index: 1}, {Index: 2}}, 0.5, 3.5, nil},
		{"a driver that does not report it", []Sample{at(1, low, nil), at(2, low, nil), at(3, low, nil)}, []Device{{Index: 0}, {Index: 1}}, 0, 4, nil},
		{"samples that end early", gap[:5], []Device{{Index: 0}}, 0, 12, nil},
		{"samples that begin late", gap[5:], []Device{{Index: 0}}, 0, 19, nil},
		{"samples with a gap", gap, []Device{{Index: 0}}, 0, 19, nil},
		{"samples that are enough", gap, []Device{{Index: 0}}, 11, 22, &Power{Watts: 300, Samples: 9}},
		{"a GPU of each host", append(slices.Clone(all), on("node1", all)...), []Device{{"", 0}, {"node1", 1}}, 0.5, 3.5,
			&Power{Watts: 400, Samples: 3}},
		{"a host without samples", all, []Device{{"", 0}, {"node1", 0}}, 0.5, 3.5, nil},
		{"no device", all, nil, 0, 9, nil},
		{"no sample", nil, []Device{{Index: 0}}, 0, 9, nil},
	} {
		if diff := cmp.Diff(row.want, PowerOf(row.samples, row.devices, row.from, row.to)); diff != "" {
			t.Errorf("%s: want (-), got (+):\n%s", row.why, diff)
		}
	}
}
