//go:build gpu && linux

package gpu_test

import (
	"bufio"
	"slices"
	"strconv"
	"strings"
	"testing"

	"topobench/internal/host/gpu"
)

// The settings of each GPU, which deployment_config.json records.
func TestRealSettings(t *testing.T) {
	s := look(t)
	all := real().Power(t.Context())
	for _, d := range s.Devices {
		i := slices.IndexFunc(all, func(p gpu.Power) bool { return p.Index == strconv.Itoa(d.Index) })
		if i < 0 {
			t.Fatalf("no settings of %s in %+v", d, all)
		}
		t.Logf("figure: %s: %+v", d, all[i])
		if all[i].Driver == "" || d.Name == "" || d.Total <= 0 {
			t.Errorf("%s: %+v", d, all[i])
		}
	}
}

// An allocation by index and by UUID names the same device, and CUDA selects it by either.
func TestRealAllocation(t *testing.T) {
	s, d := idle(t)
	for _, name := range []string{strconv.Itoa(d.Index), d.UUID} {
		a, err := gpu.Allocate([]string{"CUDA_VISIBLE_DEVICES=" + name}, s.Devices)
		if err != nil || !slices.Equal(a.Devices, []int{d.Index}) {
			t.Fatalf("allocation of %s: %+v, %v", name, a, err)
		}
		cmd := python(t, name, "python3", "testdata/hold.py", "order")
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(strings.NewReader(string(out)))
		if !lines.Scan() || !strings.EqualFold(lines.Text()[max(0, len(lines.Text())-10):], d.Bus[len(d.Bus)-10:]) || lines.Scan() {
			t.Errorf("CUDA_VISIBLE_DEVICES=%s selects %q, want %s", name, out, d.Bus)
		}
	}
}
