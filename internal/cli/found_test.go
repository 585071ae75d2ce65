package cli

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"topobench/internal/host/proc"
	"topobench/internal/recovery"
)

// For each run that clean found: its output, and its exit code.
func TestFoundRunsArePrintedWithTheirExitCode(t *testing.T) {
	stuck := proc.Proc{PID: 1 << 30, State: 'D', Comm: "engine"}
	for _, row := range []struct {
		name   string
		found  recovery.Found
		dry    bool
		code   int
		prints string // lines, with blanks for newlines
		says   []string
	}{
		{"nothing but files", recovery.Found{Fate: recovery.Crashed, Temp: "/tmp/tb-1"}, false, codeOK,
			"run a had crashed: /r;  removed /tmp/tb-1;", nil},
		{"one that ended DIRTY", recovery.Found{Fate: recovery.EndedDirty}, false, codeOK,
			"run a had ended DIRTY: /r;", nil},
		{"one that was killed after its end", recovery.Found{Fate: recovery.Ended}, false, codeOK,
			"run a had ended: /r;", nil},
		{"one without a directory", recovery.Found{Fate: recovery.DirectoryGone}, false, codeOK,
			"run a had lost its directory: /r;", nil},
		{"a dry run", recovery.Found{Fate: recovery.Crashed, Table: []string{"PID", "4711"}, Killed: 1,
			Shm: []string{"/dev/shm/x"}}, true, codeOK,
			"run a had crashed: /r;  would kill 1 process:;    PID;    4711;  would remove /dev/shm/x;", nil},
		{"one that is running", recovery.Found{Fate: recovery.Running, Owner: proc.Proc{PID: 7, Comm: "topobench"}},
			false, codeBusy, "run a is still running: /r;",
			[]string{"cannot clean: run a is still running (process 7)", "clean --force"}},
		{"one that is running and cannot be seen", recovery.Found{Fate: recovery.Running, Err: errors.New("locked")},
			false, codeBusy, "run a is still running: /r;", []string{"locked", "not visible to this user here", "as its user (sudo -u USER)"}},
		{"a process that does not end", recovery.Found{Fate: recovery.Crashed, Table: []string{"PID", "1"}, Killed: 1,
			Left: []proc.Proc{stuck}, Err: errors.New("cannot kill it")}, false, codeDirty,
			"run a had crashed: /r;  tried to kill 1 process:;    PID;    1;",
			[]string{"DIRTY: run a is not gone", "cannot kill it", "[engine]"}},
		{"an unidentified run", recovery.Found{Fate: recovery.Unknown, Err: errors.New("another container")},
			false, codeFailed, "run a is left alone: /r;", []string{"another container"}},
		{"a damaged journal", recovery.Found{Fate: recovery.Damaged, Err: errors.New("byte 82"), Temp: "/tmp/tb-1"},
			false, codeFailed, "run a has a damaged journal: /r;  removed /tmp/tb-1;", []string{"byte 82"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			row.found.ID, row.found.Path = "a", "/r"
			var out bytes.Buffer
			printFound(&out, row.found, row.dry)
			if got := strings.ReplaceAll(out.String(), "\n", ";"); got != row.prints {
				t.Errorf("prints %q, want %q", got, row.prints)
			}
			err := foundError(row.found)
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
