package gpu

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// says answers each question, told by a word in it, with a text and an exit code.
func says(code int, answers map[string]string) SMI {
	return SMI{Run: func(_ context.Context, args ...string) (string, int, error) {
		for word, text := range answers {
			if strings.Contains(args[0], word) {
				return text, code, nil
			}
		}
		return "Field \"" + args[0] + "\" is not a valid field to query.\n", 2, nil
	}}
}

func TestF14StateOfAMachineWithALostGPU(t *testing.T) {
	s, err := says(15, map[string]string{"query-gpu=index": fallen + "\n" + h100, "compute-apps": fallen + "\nGPU-5c0a, 7, 1, x"}).State(t.Context())
	if err != nil || len(s.Devices) != 1 || len(s.Processes) != 1 || len(s.Trouble) != 1 {
		t.Errorf("%+v, %v", s, err)
	}
	if s, err = says(6, map[string]string{"query-gpu": "No devices were found"}).State(t.Context()); err != nil || len(s.Devices) > 0 {
		t.Errorf("none: %+v, %v", s, err)
	}
}

func TestF15NoAnswerIsAnError(t *testing.T) {
	broken := errors.New("cannot start nvidia-smi")
	for _, row := range []struct {
		why  string
		a    SMI
		want string
	}{
		{"no driver", says(9, map[string]string{"gpu": "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver."}), "exit 9, output \"NVIDIA-SMI has failed"},
		{"a driver that was updated", says(18, map[string]string{"gpu": "Failed to initialize NVML: Driver/library version mismatch\nNVML library version: 550.54"}),
			"mismatch; NVML library version: 550.54\"; the driver was updated"},
		{"an answer, and a failure that it does not explain", says(1, map[string]string{"gpu": h100}), "exit 1,"},
		{"nonsense", says(0, map[string]string{"gpu": "<html>"}), `unexpected output "<html>"`},
		{"no processes are told", says(0, map[string]string{"query-gpu": h100, "compute": "<html>"}), `unexpected output "<html>"`},
		{"it does not start", SMI{Run: func(context.Context, ...string) (string, int, error) { return "", 0, broken }}, broken.Error()},
		{"it hangs", SMI{Limit: time.Millisecond, Run: func(ctx context.Context, _ ...string) (string, int, error) {
			<-ctx.Done()
			return "", 0, context.Cause(ctx)
		}}, "no answer within 1ms"},
	} {
		_, err := row.a.State(t.Context())
		if _, unknown := errors.AsType[*UnknownError](err); !unknown || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v, want %q", row.why, err, row.want)
		}
	}
}

func TestF33SlowedByEitherName(t *testing.T) {
	for _, row := range []struct {
		field string
		want  []string
	}{
		{"clocks_event_reasons", []string{"hardware thermal slowdown"}},
		{"clocks_throttle_reasons", []string{"hardware thermal slowdown"}},
		{"neither", nil}, // unknown, and the rest of the state is known
	} {
		m := SMI{Run: func(_ context.Context, args ...string) (string, int, error) {
			switch query := args[0]; {
			case strings.Contains(query, "compute-apps"):
				return "", 0, nil
			case strings.Contains(query, row.field):
				return h100 + ", 0x40", 0, nil
			case strings.Contains(query, "clocks"):
				return "Field \"clocks_reasons.active\" is not a valid field to query.\n", 2, nil
			}
			return h100, 0, nil
		}}
		s, err := m.State(t.Context())
		if err != nil || len(s.Devices) != 1 || !cmp.Equal(s.Devices[0].Slowed, row.want) {
			t.Errorf("%s: %+v, %v", row.field, s.Devices, err)
		}
	}
	if _, err := says(0, nil).State(t.Context()); !errors.Is(err, errField) {
		t.Errorf("no field is known: %v", err)
	}
}

func TestOwners(t *testing.T) {
	var s State
	owner := func(pid int) Owner {
		t.Helper()
		s.Processes = []Process{{PID: pid}}
		owned, err := s.Owned()
		if err != nil {
			t.Skip(err)
		}
		return owned.Processes[0].Owner
	}
	child, err := os.StartProcess("/bin/sleep", []string{"sleep", "60"}, &os.ProcAttr{})
	if err != nil {
		t.Fatal(err)
	}
	defer child.Wait()
	defer child.Kill()
	if o := owner(child.Pid); o.Party != Ours || !strings.Contains(o.Command, "sleep") || o.User == "" {
		t.Errorf("a child: %+v", o)
	}
	if o := owner(os.Getppid()); o.Party != Theirs {
		t.Errorf("the parent: %+v", o)
	}
	if o := owner(0); o.Party != Unseen {
		t.Errorf("0: %+v", o)
	}
}
