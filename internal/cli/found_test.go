package cli

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"topobench/internal/host/proc"
	"topobench/internal/recovery"
)

// TestFoundRunsAreToldWithTheirExitCode: a run that clean found, what it prints, and
// what its exit code says.
func TestFoundRunsAreToldWithTheirExitCode(t *testing.T) {
	stuck := proc.Proc{PID: 1 << 30, State: 'D', Comm: "engine"}
	for _, row := range []struct {
		name   string
		found  recovery.Found
		dry    bool
		code   int
		prints string // lines, with blanks for newlines
		says   []string
	}{
		{"nothing but files", recovery.Found{ID: "a", Path: "/r", Temp: "/tmp/tb-1"}, false, codeOK, "run a had crashed: /r;  removed /tmp/tb-1;", nil},
		{"one that ended DIRTY", recovery.Found{ID: "a", Path: "/r", Dirty: true}, false, codeOK, "run a had ended DIRTY: /r;", nil},
		{"processes, only looked at", recovery.Found{ID: "a", Path: "/r", Table: []string{"PID", "4711"}, Ended: 1, Shm: []string{"/dev/shm/x"}}, true, codeOK,
			"run a had crashed: /r;  would end 1 process:;    PID;    4711;  would remove /dev/shm/x;", nil},
		{"one that lives", recovery.Found{ID: "a", Path: "/r", Living: true, Owner: proc.Proc{PID: 7, Comm: "topobench"}}, false, codeBusy,
			"run a lives: /r;", []string{"process 7 (topobench)", "clean --force"}},
		{"one that lives where it cannot be seen", recovery.Found{ID: "a", Path: "/r", Living: true, Err: errors.New("locked")}, false, codeBusy,
			"run a lives: /r;", []string{"locked"}},
		{"a process that does not end", recovery.Found{ID: "a", Path: "/r", Temp: "/tmp/tb-1", Table: []string{"PID", "1"}, Ended: 1, Left: []proc.Proc{stuck}, Err: errors.New("cannot end it")}, false, codeDirty,
			"run a had crashed: /r;  tried to end 1 process:;    PID;    1;", []string{"DIRTY: run a is not gone", "cannot end it", "[engine]"}},
		{"another fault", recovery.Found{ID: "a", Path: "/r", Err: errors.New("damaged")}, false, codeFailed, "run a had crashed: /r;", []string{"damaged"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			var out bytes.Buffer
			tellFound(&out, row.found, row.dry)
			if got := strings.ReplaceAll(out.String(), "\n", ";"); got != row.prints {
				t.Errorf("prints %q, want %q", got, row.prints)
			}
			err := fault(row.found)
			if code := exitCode(err); code != row.code {
				t.Errorf("exit code %d, want %d", code, row.code)
			}
			for _, say := range row.says {
				if !strings.Contains(err.Error(), say) {
					t.Errorf("%q does not say %q", err, say)
				}
			}
		})
	}
}
